/** The data dictionary, a Markdown page: what comes in, the tables it becomes, the questions they answer. */
import { type Column, type Dataset, rawColumnsOf } from '../../contracts/index.ts';
import type { ModelHeader } from '../lake/model-header.ts';
import type { QueryHeader } from './query-header.ts';

/** A table of the clean or curated layer, `clean.events`. */
interface DescribedTable {
  table: string;
  header: ModelHeader;
  columns: Column[];
}

interface Described {
  /** The reference page of the contracts. */
  contracts: string;
  tables: DescribedTable[];
  queries: QueryHeader[];
}

export function dataDictionary({ contracts, tables, queries }: Described): string {
  const described = withDescriptions(tables);
  return [
    '# Data dictionary',
    '',
    'Derived from `schemas/`, `sql/models/`, `sql/ddl/` and `sql/queries/` by `c360 dictionary`.',
    '',
    contracts.replaceAll(/^#/gm, '##').trimEnd(),
    '',
    '## Tables',
    '',
    'The clean layer holds what came in, typed and deduplicated; the curated layer is the star schema of the warehouse.',
    '',
    ...described.flatMap(tableSection),
    '## Answers',
    '',
    ...queries.flatMap(querySection),
  ].join('\n');
}

function tableSection({ table, header, columns }: DescribedTable): string[] {
  const { grain, inputs, key, partition } = header;
  const facts = [
    `key: ${code(key)}`,
    ...(inputs.length > 0 ? [`made from: ${code(inputs)}`] : []),
    ...(partition ? [`partitioned by: ${code([partition])}`] : []),
  ];
  return [
    `### ${table}`,
    '',
    grain,
    '',
    ...facts.map((fact) => `- ${fact}`),
    '',
    '| column | type | meaning |',
    '|---|---|---|',
    ...columns.map(({ name, type, description }) => `| \`${name}\` | ${type} | ${description} |`),
    '',
  ];
}

const code = (names: string[]): string => names.map((name) => `\`${name}\``).join(', ');

function querySection({ number, name, title, question, grain, definitions }: QueryHeader): string[] {
  return [
    `### ${number} ${title} (\`${name}\`)`,
    '',
    question,
    '',
    `- ${grain}`,
    ...definitions.split(/;\s+/).map((definition) => `- ${definition}`),
    '',
  ];
}

/** The tables, each column without a description of its own having that of the input column whose name it bears. */
function withDescriptions(tables: DescribedTable[]): DescribedTable[] {
  const byName = new Map(tables.map((table) => [table.table, table]));
  const descriptionOf = (table: string, column: string): string => {
    const [layer, name] = table.split('.') as [string, string];
    const columns = layer === 'raw' ? rawColumnsOf(name as Dataset) : (byName.get(table)?.columns ?? []);
    const own = columns.find((candidate) => candidate.name === column)?.description;
    if (own || layer === 'raw') return own ?? '';
    const inputs = (byName.get(table)?.header.inputs ?? []).filter((input) => input !== table);
    return inputs.map((input) => descriptionOf(input, column)).find(Boolean) ?? '';
  };
  return tables.map((table) => ({
    ...table,
    columns: table.columns.map((column) => ({ ...column, description: descriptionOf(table.table, column.name) })),
  }));
}

/** Checks as SQL that both engines run: conditions on rows counted in one scan, and one small SELECT a check of the table. */
import type { Dataset } from '../../contracts/index.ts';
import { viewName } from '../lake/model-header.ts';
import type { CompiledChecks } from '../lake/run-plan.ts';
import { type Check, isRowCheck, isRowCount, type RowCheck, type TableCheck } from './checks.ts';

export interface CheckContext {
  /** `clean.events` */
  table: string;
  /** When the run was planned. */
  at: Date;
}

/** What the engine measures of a table's checks; undefined where it has none that need SQL. */
export function compileChecks(checks: Check[], context: CheckContext): CompiledChecks | undefined {
  const measured = checks.filter((check) => !isRowCount(check));
  if (measured.length === 0) return undefined;
  const isRefusing = (check: Check) => isRowCheck(check) && check.severity === 'error';
  const refusing = context.table.startsWith('clean.') ? measured.filter(isRefusing) : [];
  return {
    together: statementOf(measured, context),
    each: Object.fromEntries(measured.map((check) => [check.name, statementOf([check], context)])),
    refused: Object.fromEntries(refusing.map((check) => [check.name, refusedRows(check as RowCheck, context.table)])),
  };
}

/** One SELECT of one row: the rows that were judged, and by each check's name the number that break it. */
function statementOf(checks: Exclude<Check, { kind: 'row_count' }>[], context: CheckContext): string {
  const rowChecks = checks.filter(isRowCheck);
  const tableChecks = checks.filter((check): check is TableCheck => !isRowCheck(check));
  const counted = rowChecks.map(
    (check) => `cast(coalesce(sum(case when ${breachOf(check)} then 1 else 0 end), 0) as bigint) as ${check.name}`,
  );
  const judged = `judged as (\n  select ${['cast(count(*) as bigint) as judged_rows', ...counted].join(',\n    ')}\n  from result\n)`;
  const parts = tableChecks.map((check) => `check_${check.name} as (\n  ${failuresOf(check, context)}\n)`);
  const columns = [
    'judged.judged_rows',
    ...rowChecks.map(({ name }) => `judged.${name}`),
    ...tableChecks.map(({ name }) => `check_${name}.failures as ${name}`),
  ];
  const joins = tableChecks.map(({ name }) => `\ncross join check_${name}`);
  return `with\n${[judged, ...parts].join(',\n')}\nselect ${columns.join(', ')}\nfrom judged${joins.join('')}`;
}

/** The columns that say where a record of a dataset came from. */
export const originColumns = (dataset: Dataset): [string, string] =>
  dataset === 'events' ? ['source_shard', 'source_sequence'] : ['source_file', 'source_line'];

/** The rows that break a check and are new: what is published already has been judged before. */
function refusedRows(check: RowCheck, table: string): string {
  const [place, position] = originColumns(table.split('.')[1] as Dataset);
  const origin = `${place}, ${position}, coalesce(redrive_count, 0) as redrive_count`;
  return [
    `select broken.${place}, broken.${position}, broken.redrive_count`,
    `from (select ${origin} from result where ${breachOf(check)}) as broken`,
    `left join (select ${origin} from ${viewName(table)}) as published`,
    `on published.${place} = broken.${place}`,
    `and published.${position} = broken.${position}`,
    'and published.redrive_count = broken.redrive_count',
    `where published.${place} is null`,
  ].join('\n');
}

/** The condition that holds for a row which breaks the check. Where a value is missing, only `not_null` is broken. */
function breachOf(check: RowCheck): string {
  const breach = conditionOf(check);
  return check.when === undefined ? breach : `(${check.when}) and (${breach})`;
}

function conditionOf(check: RowCheck): string {
  switch (check.kind) {
    case 'not_null':
      return `${check.column} is null`;
    case 'accepted_values':
      return `${check.column} not in (${check.values.map(literal).join(', ')})`;
    case 'range':
      return outside(check.column, check);
    case 'length':
      return outside(`length(${check.column})`, check);
    case 'regex':
      return `not matches_pattern(${check.column}, ${literal(check.pattern)})`;
    case 'schema_drift':
      return 'unknown_field_count > 0';
    case 'sql':
      return check.breach;
  }
}

function outside(value: string, { min, max }: { min?: number | string; max?: number | string }): string {
  const below = min === undefined ? [] : [`${value} < ${min}`];
  const above = max === undefined ? [] : [`${value} > ${max}`];
  return [...below, ...above].join(' or ');
}

/** A SELECT of the number of rows, keys or differences that break the check, as `failures`. */
function failuresOf(check: TableCheck, { at }: CheckContext): string {
  switch (check.kind) {
    case 'unique':
      return (
        'select cast(coalesce(sum(repeated.key_rows - 1), 0) as bigint) as failures from (select count(*) as key_rows ' +
        `from result group by ${check.columns.join(', ')} having count(*) > 1) as repeated`
      );
    case 'freshness': {
      const limit = `timestamp '${at.toISOString().slice(0, 19).replace('T', ' ')}' - interval '${check.hours}' hour`;
      return `select cast(case when max(${check.column}) < ${limit} then 1 else 0 end as bigint) as failures from result`;
    }
    case 'referential': {
      const { table, column } = check.references;
      return (
        'select cast(count(*) as bigint) as failures from result left join ' +
        `(select distinct ${column} as known_value from ${viewName(table)}) as known ` +
        `on known.known_value = result.${check.column} where result.${check.column} is not null and known.known_value is null`
      );
    }
    case 'reconciliation':
      return `select cast(case when (${check.left}) = (${check.right}) then 0 else 1 end as bigint) as failures`;
    case 'sql':
      return `select cast((${check.select}) as bigint) as failures`;
  }
}

const literal = (value: string | number): string =>
  typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;

/** The tables that checks read beside the model's own inputs. */
export const tablesOfChecks = (checks: Check[]): string[] =>
  checks.flatMap((check) => (check.kind === 'referential' ? [check.references.table] : []));

/** Writes `generated/` (types, validators, contracts) and `docs/contracts.md` from `schemas/`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standaloneCode from 'ajv/dist/standalone/index.js';
import addFormats from 'ajv-formats';
import esbuild from 'esbuild';
import { rawColumns } from './columns.ts';
import { contractsPage } from './contracts-page.ts';
import type { Contract, Dataset, Leaf } from './model.ts';
import { contractsOf, leavesOf, readSchemaFiles, type SchemaFiles } from './read-schemas.ts';

const here = dirname(fileURLToPath(import.meta.url));

/** The text of each generated file by its path below the repository's root. */
export function generate(files: SchemaFiles): Record<string, string> {
  const contracts = contractsOf(files);
  const envelope = leavesOf(files, 'common/envelope.json');
  return {
    'src/contracts/generated/contracts.ts': dataModule(contracts, envelope),
    'src/contracts/generated/types.ts': typesModule(contracts, envelope),
    'src/contracts/generated/validators.js': validatorsModule(files, contracts),
    'src/contracts/generated/validators.d.ts': validatorTypes,
    'docs/contracts.md': contractsPage(contracts, envelope),
  };
}

const header = '// Generated from schemas/ by src/contracts/build.ts; not to be edited.\n';

function dataModule(contracts: Contract[], envelope: Leaf[]): string {
  const datasets: Dataset[] = ['events', 'customers', 'products', 'transactions'];
  const columns = Object.fromEntries(datasets.map((name) => [name, rawColumns(name, contracts, envelope)]));
  const withoutWords = ({ description, ...leaf }: Leaf): Leaf => leaf;
  // Most leaves stand in every type of event: each is written once, and contracts name it by its number.
  const distinct = new Map<string, number>();
  const numberOf = (leaf: Leaf): number => {
    const text = JSON.stringify(withoutWords(leaf));
    if (!distinct.has(text)) distinct.set(text, distinct.size);
    return distinct.get(text)!;
  };
  const brief = contracts.map((contract) => ({ ...contract, leaves: contract.leaves.map(numberOf) }));
  return `${header}import type { Column, Contract, Dataset, Leaf } from '../model.ts';
export const envelope: Leaf[] = ${JSON.stringify(envelope.map(withoutWords), null, 2)};
const leaves: Leaf[] = [${[...distinct.keys()].join(',\n')}];
export const contracts: Contract[] = ${JSON.stringify(brief, null, 2)}.map((contract): Contract => {
  return { ...contract, dataset: contract.dataset as Dataset, leaves: contract.leaves.map((number) => leaves[number]!) };
});
export const columns: Record<Dataset, Column[]> = ${JSON.stringify(columns, null, 2)};
`;
}

function typesModule(contracts: Contract[], envelope: Leaf[]): string {
  const events = contracts.filter((contract) => contract.dataset === 'events');
  const entities = contracts.filter((contract) => contract.dataset !== 'events');
  const types = [...new Set(events.map((event) => event.name))];
  return [
    header,
    `export type EventType = ${types.map((type) => `'${type}'`).join(' | ')};`,
    interfaceOf(
      'EventEnvelope<Type extends string = EventType, Payload = object>',
      envelope,
      'type: Type; payload: Payload;',
    ),
    ...events.map((event) => interfaceOf(`${pascalCase(event.name)}PayloadV${event.version}`, event.leaves)),
    ...entities.map((entity) => interfaceOf(`${pascalCase(entity.name)}RowV${entity.version}`, entity.leaves)),
    `export type AnyEvent =\n${events
      .map((event) => `  | EventEnvelope<'${event.name}', ${pascalCase(event.name)}PayloadV${event.version}>`)
      .join('\n')};`,
    '',
  ].join('\n');
}

function interfaceOf(name: string, leaves: Leaf[], extra = ''): string {
  const members = leaves
    .filter((leaf) => !(extra && leaf.property === 'type'))
    .map((leaf) => `  /** ${leaf.description} */\n  ${leaf.property}${leaf.required ? '' : '?'}: ${typeOf(leaf)};`);
  return `export interface ${name} {\n${[...members, extra && `  ${extra}`].filter(Boolean).join('\n')}\n}`;
}

function typeOf(leaf: Leaf): string {
  if (leaf.values) return leaf.values.map((value) => `'${value}'`).join(' | ');
  const names: Record<string, string> = { integer: 'number', object: 'Record<string, unknown>' };
  return [...new Set(leaf.json.map((type) => names[type] ?? type))].join(' | ');
}

function pascalCase(name: string): string {
  return name.replace(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}

const validatorTypes = `${header}import type { ErrorObject } from 'ajv';
export interface Validator {
  (data: unknown): boolean;
  errors?: ErrorObject[] | null;
}
/** Compiled validators of events: \`envelope\`, and one a contract under its id. */
export const eventValidators: Record<string, Validator>;
/** Compiled validators of rows, one a contract under its id. */
export const rowValidators: Record<string, Validator>;
/** The compiled validator of a table's checks. */
export const checksValidator: Validator;
`;

/**
 * RFC 3339: the days that each month has, the 29th of February in leap years. As one pattern, since the format's function
 * in ajv-formats takes a time apart and costs a fifth of an event's validation.
 */
const dateTime = new RegExp(
  [
    '^(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))',
    '|(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)',
    '[Tt](?:[01]\\d|2[0-3]):[0-5]\\d:(?:[0-5]\\d|60)(?:\\.\\d+)?(?:[Zz]|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)$',
  ].join(''),
);

/** Standalone validators in one ES module: nothing is compiled, and no \`eval\` runs, at start-up. */
function validatorsModule(files: SchemaFiles, contracts: Contract[]): string {
  const ajv = new Ajv2020({
    code: { source: true, esm: true },
    allErrors: true,
    allowUnionTypes: true,
    strictRequired: false,
    // Reasons are worded by the domain, from keyword and parameters: the texts would only make functions larger.
    messages: false,
  });
  // No schema asks which properties others have seen, so that nothing need keep account of them.
  ajv.opts.unevaluated = false;
  addFormats.default(ajv, { mode: 'full', keywords: false });
  ajv.addFormat('date-time', dateTime);
  ajv.addVocabulary(['x-privacy', 'x-namespace', 'x-column', 'x-money']);
  const base = 'https://schemas.invalid/';
  for (const [path, schema] of files) ajv.addSchema({ ...schema, $id: base + path });
  const pathOf = (contract: Contract) =>
    `${contract.dataset === 'events' ? 'events' : 'entities'}/${contract.name}/${contract.version}.json`;
  const checks = 'quality/checks.json';
  const names = [
    ['envelope', 'common/envelope.json'],
    ...contracts.map((contract) => [contract.id, pathOf(contract)]),
  ] as [string, string][];
  const exported = Object.fromEntries(names.map(([, path], index) => [`v${index}`, base + path]));
  exported.checks = base + checks;
  const table = (isRow: boolean) =>
    names
      .map(([id, path], index) => (path.startsWith('entities/') === isRow ? `  ${JSON.stringify(id)}: v${index},` : ''))
      .join('\n');
  // Tables of their own: a function that takes rows alone holds no validator of events.
  const tables = [
    `export const eventValidators = {${table(false)}};`,
    `export const rowValidators = {${table(true)}};`,
    'export const checksValidator = checks;\n',
  ].join('\n');
  const code = standaloneCode
    .default(ajv, exported)
    .replaceAll(/\bexport const /g, 'const ')
    .replaceAll(
      /if\(vErrors === null\)\{vErrors = \[(\w+)\];\}else \{vErrors\.push\(\1\);\}/g,
      'vErrors = add(vErrors, $1);',
    );
  // Spelt out at each of its 330 places, the collecting of errors would be a tenth of the validators.
  const add = 'function add(errors, error) { return errors === null ? [error] : (errors.push(error), errors); }';
  const bundled = esbuild.buildSync({
    stdin: { contents: `${add}\n${code}\n${tables}`, resolveDir: here },
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
  });
  return header + bundled.outputFiles[0]!.text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(here, '../..');
  for (const [path, text] of Object.entries(generate(readSchemaFiles()))) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  // Written last, so that an interrupted build counts as stale.
  writeFileSync(join(here, 'generated/fingerprint'), process.argv[2] ?? '');
}

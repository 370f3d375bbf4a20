/** A dry run of a door: what it would refuse of a file, and by which rules. Reads nothing else and writes nothing. */
import { contractOf, type Dataset, fileDatasets } from '../contracts/index.ts';
import { receiveEvent } from '../domain/events/receive-event.ts';
import { checkHeader } from '../domain/files/check-header.ts';
import type { Mapping } from '../domain/files/mapping.ts';
import type { Rates } from '../domain/files/rates.ts';
import { rowReceiver } from '../domain/files/receive-row.ts';
import type { Outcome } from '../domain/outcome.ts';
import { type RefusalGroup, RefusalSummary } from '../domain/quality/refusal-summary.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import { sharedRule } from './quarantine.ts';
import { type FileRow, type FileShape, readRows, shapeOf, unpacked } from './read-rows.ts';

export interface FileToValidate {
  /** The file's bytes, anew at each call. */
  open(): AsyncIterable<Uint8Array>;
  /** What the file holds; found out from its header or first event where it is absent. */
  dataset?: Dataset;
  mapping?: Mapping;
}

export interface Validation {
  dataset: Dataset;
  received: number;
  refused: number;
  /** The rules that records break, with the first lines; a record that breaks several is counted at each. */
  rules: RefusalGroup[];
}

/** Validates each record as its door would. Throws RefusedInput where the door would refuse the file as a whole. */
export async function validateFile(
  file: FileToValidate,
  rates: Rates,
  onProgress: (records: number) => void = () => {},
): Promise<Validation> {
  const shape = await shapeOf(unpacked(file.open()));
  const rows = () => readRows(unpacked(file.open()), shape);
  const dataset = file.dataset ?? (await datasetOf(shape, rows()));
  const receive = receiverOf(dataset, shape, file.mapping, rates);
  const refusals = new RefusalSummary();
  const validation: Validation = { dataset, received: 0, refused: 0, rules: [] };
  for await (const row of rows()) {
    const outcome = receive(row);
    validation.received += 1;
    if (!outcome.ok) {
      validation.refused += 1;
      const reasons = outcome.rejection.reasons.map((reason) => ({ ...reason, rule: sharedRule(reason.rule) }));
      refusals.add(reasons, row.line);
    }
    if (validation.received % 1000 === 0) onProgress(validation.received);
  }
  validation.rules = refusals.groups();
  return validation;
}

/** The dataset whose required fields the columns, or the fields of the first row that can be read, hold. */
async function datasetOf(shape: FileShape, rows: AsyncIterable<FileRow>): Promise<Dataset> {
  const names = shape.format === 'csv' ? shape.header : await fieldsOfFirst(rows);
  if (['type', 'payload'].every((name) => names.includes(name))) return 'events';
  const holds = (dataset: Dataset) =>
    contractOf(`${dataset}/1`)!.leaves.every(({ required, property }) => !required || names.includes(property));
  const dataset = fileDatasets.find(holds);
  if (dataset) return dataset;
  throw new RefusedInput(
    `the file's columns do not say what it holds; give --dataset ${['events', ...fileDatasets].join(', ')}, or a mapping with --map`,
  );
}

async function fieldsOfFirst(rows: AsyncIterable<FileRow>): Promise<string[]> {
  for await (const { outcome } of rows) if (outcome.ok) return Object.keys(outcome.value);
  return [];
}

/** What the door of the dataset makes of a row. */
function receiverOf(
  dataset: Dataset,
  shape: FileShape,
  mapping: Mapping | undefined,
  rates: Rates,
): (row: FileRow) => Outcome<unknown> {
  if (dataset === 'events') {
    if (shape.format === 'csv') throw new RefusedInput('events are one JSON object a line, and this file is CSV');
    return ({ body, outcome }) => (outcome.ok || outcome.rejection.kind === 'not_json' ? receiveEvent(body) : outcome);
  }
  const contract = contractOf(`${dataset}/1`)!;
  if (shape.format === 'csv') checkHeader(shape.header, contract, mapping);
  const receive = rowReceiver({ contract, mapping, rates });
  return ({ outcome }) => (outcome.ok ? receive(outcome.value) : outcome);
}

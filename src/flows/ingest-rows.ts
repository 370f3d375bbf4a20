/** The rows of one file, batch by batch, through the door; a batch that was written before is taken from what it left. */
import { contractOf, type Dataset } from '../contracts/index.ts';
import type { Mapping } from '../domain/files/mapping.ts';
import type { Rates } from '../domain/files/rates.ts';
import { rowReceiver } from '../domain/files/receive-row.ts';
import { rowIdRule } from '../domain/files/row-id.ts';
import type { JsonObject } from '../domain/json.ts';
import { quarantineKey, rawKey } from '../domain/lake/layout.ts';
import { accepted, type Outcome } from '../domain/outcome.ts';
import type { RawLine, ValidRecord } from '../domain/privacy/separate.ts';
import { RefusalSummary } from '../domain/quality/refusal-summary.ts';
import type { Environment } from '../ports.ts';
import {
  addCounts,
  type DoorCounts,
  type DoorRecord,
  linesOfObject,
  noCounts,
  type QuarantineLine,
  separateBatch,
  writeBatch,
} from './door.ts';
import { readRates } from './rates.ts';
import type { FileRow, FileShape } from './read-rows.ts';
import { keepRowFormat } from './row-format.ts';

export interface FileToIngest {
  dataset: Dataset;
  mapping?: Mapping;
  shape: FileShape;
  fileId: string;
  /** When the file's first try began: in the keys of its objects and in its rows. */
  arrivedAt: Date;
}

/**
 * Takes a file's batches of rows in their order. What stands in `batches` is the checkpoint: a batch is named by the line
 * on which it begins and counted there last of all, so that one that is counted is whole. Its rows are not resolved,
 * separated or written again; their counts, row ids and refusals are read from what it wrote.
 */
export class RowIngest {
  readonly #env: Environment;
  readonly #file: FileToIngest;
  readonly #receive: (row: JsonObject) => Outcome<ValidRecord>;
  readonly #giveIds: ((lines: RawLine[]) => void) | undefined;
  readonly #written: ReadonlyMap<string, DoorCounts>;
  readonly #refusals = new RefusalSummary();
  #counts = noCounts;

  private constructor(env: Environment, file: FileToIngest, rates: Rates, written: ReadonlyMap<string, DoorCounts>) {
    this.#env = env;
    this.#file = file;
    this.#receive = validator(file, rates);
    this.#giveIds = rowIdMaker(file);
    this.#written = written;
  }

  /** Takes the file up where an earlier try of it ended. */
  static async begin(env: Environment, file: FileToIngest): Promise<RowIngest> {
    return new RowIngest(env, file, await readRates(env), await writtenBatches(env, file));
  }

  get counts(): DoorCounts {
    return this.#counts;
  }

  get refusals() {
    return this.#refusals.groups();
  }

  /** Brings a batch in, and returns false where that had been done before. */
  async take(rows: FileRow[]): Promise<boolean> {
    const batch = `${this.#file.fileId}-${String(rows[0]!.line).padStart(9, '0')}`;
    const before = this.#written.get(batch);
    this.#counts = addCounts(this.#counts, before ?? (await this.#bringIn(batch, rows)));
    if (before) await this.#recall(batch, before);
    return before === undefined;
  }

  async #bringIn(batch: string, rows: FileRow[]): Promise<DoorCounts> {
    const { dataset, fileId, arrivedAt, shape, mapping } = this.#file;
    const records = rows.map(
      (row): DoorRecord => ({
        origin: { source_file: fileId, source_line: row.line },
        arrivedAt,
        body: row.body,
        outcome: row.outcome.ok ? this.#receive(row.outcome.value) : row.outcome,
      }),
    );
    const separated = await separateBatch(this.#env, records);
    this.#giveIds?.(separated.lines);
    if (separated.quarantine.length > 0 && this.refusals.length === 0) {
      await keepRowFormat(this.#env, fileId, { shape, mapping });
    }
    this.#noteRefusals(separated.quarantine);
    return writeBatch(this.#env, dataset, { batch, received: rows.length, arrivedAt }, separated);
  }

  /** Numbers the rows of a written batch and sums up its refusals as if it had been brought in now. */
  async #recall(batch: string, { raw, quarantined }: DoorCounts): Promise<void> {
    const { dataset, arrivedAt } = this.#file;
    const linesOf = async <Line>(key: string): Promise<Line[]> =>
      (await linesOfObject(this.#env, key)).map((text) => JSON.parse(text) as Line);
    if (raw > 0) this.#giveIds?.(await linesOf<RawLine>(rawKey(dataset, arrivedAt, batch)));
    if (quarantined > 0) this.#noteRefusals(await linesOf<QuarantineLine>(quarantineKey(dataset, arrivedAt, batch)));
  }

  #noteRefusals(quarantine: QuarantineLine[]): void {
    for (const { reasons, origin } of quarantine) this.#refusals.add(reasons, Number(origin.source_line));
  }
}

/** What each batch of the file counted that had been written, by its name. */
async function writtenBatches(
  env: Environment,
  { dataset, fileId }: FileToIngest,
): Promise<ReadonlyMap<string, DoorCounts>> {
  const items = await env.hot.query('batches', dataset, { prefix: `${fileId}-` });
  return new Map(items.map(({ sort, values }) => [sort, values as unknown as DoorCounts]));
}

function validator({ dataset, mapping }: FileToIngest, rates: Rates): (row: JsonObject) => Outcome<ValidRecord> {
  const contract = contractOf(`${dataset}/1`)!;
  const receive = rowReceiver({ contract, mapping, rates });
  return (row) => {
    const received = receive(row);
    return received.ok ? accepted({ contract, record: received.value }) : received;
  };
}

/** Gives each line the id that its mapping asks for; identical lines stay distinct by their occurrence in the file. */
function rowIdMaker({ dataset, mapping }: FileToIngest): ((lines: RawLine[]) => void) | undefined {
  if (!mapping?.rowId) return undefined;
  const rule = rowIdRule(dataset, mapping.rowId);
  const seen = new Map<string, number>();
  return (lines) => {
    for (const line of lines) {
      const hash = rule.hash(line);
      const occurrence = (seen.get(hash) ?? 0) + 1;
      seen.set(hash, occurrence);
      line[rule.column] = `${hash}-${occurrence}`;
    }
  };
}

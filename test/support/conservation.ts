/** Whether every record that came in is in the lake, once by its provenance. */
import type { Dataset } from '../../src/contracts/index.ts';
import type { RawLine } from '../../src/domain/privacy/separate.ts';
import type { QuarantineLine } from '../../src/flows/door.ts';
import type { ObjectStore } from '../../src/ports.ts';
import { linesBelow } from './door-platform.ts';

/** The lines of a file, header included, with one record in a hundred broken, so that raw and quarantine are both written. */
export const withBrokenLines = (lines: Iterable<string>): string[] =>
  [...lines].map((line, index) => (index % 100 === 99 ? 'broken,\n' : line));

/** What a record's origin says, as text: its place in the stream or in a file. */
export const originText = ({ source_shard, source_sequence, source_file, source_line }: RawLine): string =>
  source_shard === undefined ? `${source_file} ${source_line}` : `${source_shard} ${source_sequence}`;

export interface Kept {
  raw: RawLine[];
  quarantined: QuarantineLine[];
  /** Of all of them, in order: each stands once in it where nothing was doubled. */
  origins: string[];
}

/** What the lake holds of a dataset. */
export async function keptRecords(objects: ObjectStore, dataset: Dataset): Promise<Kept> {
  const raw = await linesBelow<RawLine>(objects, `raw/${dataset}/`);
  const quarantined = await linesBelow<QuarantineLine>(objects, `quarantine/${dataset}/`);
  return { raw, quarantined, origins: [...raw, ...quarantined.map(({ origin }) => origin)].map(originText).sort() };
}

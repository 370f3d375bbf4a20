/** Ids for the rows of files that have none. */
import { createHash } from 'node:crypto';
import { contractOf, type Dataset, doorColumnsOf, rawColumnsOf } from '../../contracts/index.ts';
import { canonicalText, type RawLine } from '../privacy/separate.ts';

export interface RowIdRule {
  /** The column that gets the id. */
  column: string;
  /** Equal for lines of equal content. */
  hash(line: RawLine): string;
}

/**
 * How the id of a dataset's field is made: from a hash of the line without its provenance. The line holds the random
 * subject id in place of the natural id, so that the hash cannot be enumerated.
 */
export function rowIdRule(dataset: Dataset, field: string): RowIdRule {
  const column = contractOf(`${dataset}/1`)!.leaves.find((leaf) => leaf.property === field)!.column;
  const provenance = [...doorColumnsOf(dataset), column];
  const hashed = rawColumnsOf(dataset).filter(({ name }) => !provenance.includes(name) && !name.endsWith('_sealed'));
  const hash = (line: RawLine) => createHash('sha256').update(canonicalText(line, hashed)).digest('hex').slice(0, 32);
  return { column, hash };
}

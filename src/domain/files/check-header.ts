/** Whether a CSV header has what a contract or a mapping reads. */
import type { Contract } from '../../contracts/index.ts';
import { RefusedInput } from '../refused-input.ts';
import type { Mapping } from './mapping.ts';

/** Throws RefusedInput where a column that is needed is missing, or one that is read stands there twice. */
export function checkHeader(header: string[], contract: Contract, mapping?: Mapping): void {
  const needed = mapping
    ? Object.values(mapping.columns)
    : contract.leaves.filter((leaf) => leaf.required).map((leaf) => leaf.property);
  const missing = needed.filter((name) => !header.includes(name));
  if (missing.length > 0) {
    throw new RefusedInput(
      `the header lacks ${missing.join(', ')}; name the columns as ${contract.dataset} does (docs/contracts.md) or give a mapping with --map`,
    );
  }
  const known = mapping ? needed : contract.leaves.map((leaf) => leaf.property);
  const twice = known.filter((name) => header.indexOf(name) !== header.lastIndexOf(name));
  if (twice.length > 0) throw new RefusedInput(`the header names ${twice.join(', ')} twice; which one counts?`);
}

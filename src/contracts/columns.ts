/** The columns of the raw and clean layers, derived from the contracts. */
import type { Column, Contract, Dataset, Leaf } from './model.ts';

const provenance: Record<'events' | 'file', Column[]> = {
  events: [
    { name: 'source_shard', type: 'VARCHAR', description: 'Shard of the stream that the record came through' },
    { name: 'source_sequence', type: 'VARCHAR', description: "The record's sequence number within its shard" },
  ],
  file: [
    { name: 'source_file', type: 'VARCHAR', description: 'SHA-256 of the file that the row came from' },
    {
      name: 'source_line',
      type: 'BIGINT',
      description: 'Line of the file on which the row ends, the first line being 1',
    },
  ],
};

const arrival: Column[] = [
  { name: 'arrived_at', type: 'TIMESTAMP', description: 'When the platform received it' },
  { name: 'unknown_field_count', type: 'BIGINT', description: 'Fields that no contract knows, stripped at the door' },
  {
    name: 'redrive_count',
    type: 'BIGINT',
    description: 'How often it came back after a gate had refused it; null for never',
  },
];

/**
 * Columns of a dataset's raw lines, in order: envelope, union of all leaves over all versions, provenance, arrival.
 * Throws where two contracts give one column two types, since both are read together.
 */
export function rawColumns(dataset: Dataset, contracts: Contract[], envelope: Leaf[]): Column[] {
  const columns = new Map<string, Column>();
  const leaves = contracts.filter((contract) => contract.dataset === dataset).flatMap((contract) => contract.leaves);
  for (const leaf of [...(dataset === 'events' ? envelope : []), ...leaves]) {
    if (leaf.privacy === 'vault' || leaf.privacy === 'drop') continue;
    const known = columns.get(leaf.column);
    if (known && known.type !== leaf.type) {
      throw new Error(`${dataset}: column ${leaf.column} is ${known.type} in one contract and ${leaf.type} in another`);
    }
    if (!known) columns.set(leaf.column, { name: leaf.column, type: leaf.type, description: leaf.description ?? '' });
  }
  return [...columns.values(), ...provenance[dataset === 'events' ? 'events' : 'file'], ...arrival];
}

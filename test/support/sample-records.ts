/** Records that keep their contract, with something to recognise in every field that may hold personal data. */

import { contracts as generated } from '../../src/contracts/generated/contracts.ts';
import { type Contract, contractOf, envelopeLeaves, type Leaf } from '../../src/contracts/index.ts';

export const contracts: Contract[] = generated;
export const eventContracts = contracts.filter(({ dataset }) => dataset === 'events');

/** A text that nobody else writes. */
export const canary = 'zq7canary';

/** What personal data look like in JSON: none of these texts may be found outside the vault. */
export const traces = [canary, '203.0.113.77', '2024-02-29', ':1987'];

const byProperty: Record<string, unknown> = {
  eventId: '6f1f0f3c-3f0a-4c55-9d0c-1f3a5b7c9d11',
  ip: '203.0.113.77',
  birth_year: 1987,
  signup_date: '2024-02-29',
  country: 'DE',
  currency: 'USD',
  fields: { [canary]: `${canary}@example.com` },
  device: `Mozilla/5.0 (X11; Linux x86_64) ${canary}`,
};

/** A value that the leaf accepts. */
function sampleOf(leaf: Leaf): unknown {
  if (leaf.property in byProperty) return byProperty[leaf.property];
  if (leaf.values) return leaf.values[0];
  if (leaf.privacy === 'natural_id') return `${leaf.namespace}-${canary}`;
  if (leaf.privacy === 'vault' || leaf.privacy === 'scrub') return `${canary}@example.com`;
  if (leaf.isMoney) return '12.5';
  if (leaf.type === 'TIMESTAMP') return '2026-03-01T10:00:00Z';
  if (leaf.json.includes('boolean')) return true;
  return leaf.json.includes('string') ? 'thing-1' : 3;
}

/** A payload or row with every field that the contract knows. */
export function sampleRecord(contract: Contract): Record<string, unknown> {
  return Object.fromEntries(contract.leaves.map((leaf) => [leaf.property, sampleOf(leaf)]));
}

/** An event with every field that its contract knows, or with this payload. */
export function sampleEvent(contractId: string, payload?: object): Record<string, unknown> {
  const contract = contractOf(contractId)!;
  const envelope = Object.fromEntries(envelopeLeaves.map((leaf) => [leaf.property, sampleOf(leaf)]));
  return { ...envelope, type: contract.name, version: contract.version, payload: payload ?? sampleRecord(contract) };
}

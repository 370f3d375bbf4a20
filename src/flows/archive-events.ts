/** The event door (consumer A): a batch of one shard's stream records goes to raw/ or quarantine/, each exactly once. */
import { envelopeLeaves } from '../contracts/index.ts';
import { receiveEvent, type ValidEvent } from '../domain/events/receive-event.ts';
import { accepted, type Outcome } from '../domain/outcome.ts';
import { separate } from '../domain/privacy/separate.ts';
import type { Environment, StreamRecord } from '../ports.ts';
import { type DoorCounts, type DoorRecord, noCounts, separateBatch, type ValidRecord, writeBatch } from './door.ts';

/** Archives records that follow each other in one shard. Throws only where a dependency fails; then all may be sent again. */
export const archiveEvents =
  (env: Environment) =>
  async (records: StreamRecord[]): Promise<DoorCounts> => {
    const first = records[0];
    const last = records.at(-1);
    if (!first || !last) return noCounts;
    const separated = await separateBatch(env, records.map(receive));
    const batch = `${first.shard}-${first.sequence}-${last.sequence}`;
    return writeBatch(env, 'events', { batch, received: records.length, arrivedAt: first.arrivedAt }, separated);
  };

function receive(record: StreamRecord): DoorRecord {
  return {
    origin: { source_shard: record.shard, source_sequence: record.sequence },
    arrivedAt: record.arrivedAt,
    body: record.data,
    outcome: validRecord(receiveEvent(record.data)),
  };
}

function validRecord(outcome: Outcome<ValidEvent>): Outcome<ValidRecord> {
  if (!outcome.ok) return outcome;
  const { contract, envelope, payload } = outcome.value;
  const { line, unknownFieldCount } = separate({ leaves: envelopeLeaves }, envelope, {});
  // The payload is the one field of an envelope that is no leaf of it.
  return accepted({ contract, record: payload, head: line, unknownFieldCount: unknownFieldCount - 1 });
}

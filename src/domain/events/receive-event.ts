/** The first two steps of an event: from bytes to a document that keeps its contract. */
import { contractOf, envelopeLeaves, eventValidatorOf, isEventType } from '../../contracts/index.ts';
import { isObject, type JsonObject, parseJson, withoutNulls } from '../json.ts';
import { accepted, type Outcome, rejected } from '../outcome.ts';
import type { ValidRecord } from '../privacy/separate.ts';
import { violations } from '../validate.ts';
import { canonicalEventId } from './event-id.ts';

export function receiveEvent(data: Uint8Array): Outcome<ValidRecord> {
  const parsed = parseJson(data);
  return parsed.ok ? validateEvent(parsed.value) : parsed;
}

/** Fields that are null count as absent. */
function validateEvent(document: unknown): Outcome<ValidRecord> {
  const envelope = isObject(document) ? withoutNulls(document) : document;
  const broken = violations(eventValidatorOf('envelope'), envelopeLeaves, envelope);
  if (broken.length > 0 || !isObject(envelope)) return rejected('schema_violation', broken, 'envelope');
  const { type, version = 1 } = envelope as { type: string; version?: number };
  if (!isEventType(type)) return rejected('unknown_type', [{ path: '/type', rule: 'a type of schemas/events' }]);
  const contract = contractOf(`events/${type}/${version}`);
  if (!contract) {
    const rule = `a published version of ${type}`;
    return rejected('unknown_version', [{ path: '/version', rule, value: String(version) }]);
  }
  const payload = withoutNulls(envelope.payload as JsonObject);
  const reasons = violations(eventValidatorOf(contract.id), contract.leaves, payload);
  if (reasons.length > 0) {
    const below = reasons.map((reason) => ({ ...reason, path: `/payload${reason.path === '/' ? '' : reason.path}` }));
    return rejected('schema_violation', below, contract.id);
  }
  // The document was parsed here and is nobody else's, and a copy of each would show.
  envelope.version = version;
  envelope.eventId = canonicalEventId(envelope.eventId);
  return accepted({ contract, record: payload, envelope });
}

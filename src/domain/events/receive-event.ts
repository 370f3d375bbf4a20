/** The first two steps of an event: from bytes to a document that keeps its contract. */
import { type Contract, contractOf, envelopeLeaves, isEventType } from '../../contracts/index.ts';
import { isObject, type JsonObject, parseJson } from '../json.ts';
import { accepted, type Outcome, rejected } from '../outcome.ts';
import { impossibleTimes, violations } from '../validate.ts';

/** An event that keeps its contract; it still holds personal data. */
export interface ValidEvent {
  contract: Contract;
  envelope: JsonObject;
  payload: JsonObject;
}

export function receiveEvent(data: Uint8Array): Outcome<ValidEvent> {
  const parsed = parseJson(data);
  return parsed.ok ? validateEvent(parsed.value) : parsed;
}

export function validateEvent(document: unknown): Outcome<ValidEvent> {
  const broken = violations('envelope', document);
  if (broken.length > 0 || !isObject(document)) return rejected('schema_violation', broken, 'envelope');
  const impossible = impossibleTimes(envelopeLeaves, document);
  if (impossible.length > 0) return rejected('schema_violation', impossible, 'envelope');
  const type = document.type as string;
  const version = (document.version as number | undefined) ?? 1;
  if (!isEventType(type)) return rejected('unknown_type', [{ path: '/type', rule: 'a type of schemas/events' }]);
  const contract = contractOf(`events/${type}/${version}`);
  if (!contract) {
    return rejected('unknown_version', [
      { path: '/version', rule: `a published version of ${type}`, value: String(version) },
    ]);
  }
  const reasons = violations(contract.id, document.payload, contract);
  if (reasons.length > 0) {
    const below = reasons.map((reason) => ({ ...reason, path: `/payload${reason.path === '/' ? '' : reason.path}` }));
    return rejected('schema_violation', below, contract.id);
  }
  return accepted({ contract, envelope: { ...document, version }, payload: document.payload as JsonObject });
}

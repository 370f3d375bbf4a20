import fc from 'fast-check';
import { canonicalEventId } from '../../../../src/domain/events/event-id.ts';
import { receiveEvent, type ValidEvent } from '../../../../src/domain/events/receive-event.ts';
import type { Outcome } from '../../../../src/domain/outcome.ts';
import { canary, eventContracts, sampleEvent, sampleRecord } from '../../../support/sample-records.ts';

const receive = (event: unknown) => receiveEvent(Buffer.from(JSON.stringify(event)));
const reasonsOf = (outcome: Outcome<ValidEvent>) => (outcome.ok ? [] : outcome.rejection.reasons);
const login = (payload: object, envelope: object = {}) =>
  receive({ ...sampleEvent('events/login/1', payload), ...envelope });

describe('an event that keeps its contract', () => {
  test.each(eventContracts.map(({ id }) => id))('is accepted: %s', (id) => {
    expect(reasonsOf(receive(sampleEvent(id)))).toEqual([]);
  });

  test('has version 1 where it names none', () => {
    const outcome = login({ userId: 'u' }, { version: undefined });
    expect(outcome).toMatchObject({
      ok: true,
      value: { contract: { id: 'events/login/1' }, envelope: { version: 1 } },
    });
  });

  test('may say null for what it leaves out, also in fields that no contract knows', () => {
    const outcome = login(
      { userId: null, anonymousId: 'a', success: null, other: null },
      { version: null, other: null },
    );
    expect(outcome).toMatchObject({ ok: true, value: { payload: { anonymousId: 'a' }, envelope: { version: 1 } } });
    const { envelope, payload } = (outcome as { value: ValidEvent }).value;
    expect([Object.keys(payload), 'other' in envelope]).toEqual([['anonymousId'], false]);
  });

  test('may carry __proto__ and constructor, which change nothing', () => {
    const text = JSON.stringify(sampleEvent('events/login/1', { userId: 'u' })).replace(
      '{"userId"',
      '{"__proto__":{"success":"x"},"constructor":1,"userId"',
    );
    const outcome = receiveEvent(Buffer.from(text)) as { value: ValidEvent };
    expect(outcome).toMatchObject({ ok: true });
    expect(outcome.value.payload.success).toBeUndefined();
    expect(
      receiveEvent(Buffer.from(text.replace('"userId":"u"', '"x":1').replace('"success":"x"', '"userId":"u"'))),
    ).toMatchObject({ ok: false });
  });

  test.each`
    eventId                                            | canonical
    ${'6F1F0F3C-3F0A-4C55-9D0C-1F3A5B7C9D11'}          | ${'6f1f0f3c-3f0a-4c55-9d0c-1f3a5b7c9d11'}
    ${'urn:uuid:6f1f0f3c-3f0a-4c55-9d0c-1f3a5b7c9d11'} | ${'6f1f0f3c-3f0a-4c55-9d0c-1f3a5b7c9d11'}
  `('has its id in one spelling, so that duplicates meet: $eventId', ({ eventId, canonical }) => {
    expect(login({ userId: 'u' }, { eventId })).toMatchObject({ value: { envelope: { eventId: canonical } } });
    expect(canonicalEventId(eventId)).toBe(canonical);
  });
});

describe('an event that breaks its contract', () => {
  const uuid = '6f1f0f3c-3f0a-4c55-9d0c-1f3a5b7c9d11';
  test.each`
    event                                                                                     | kind                  | reasons
    ${[]}                                                                                     | ${'schema_violation'} | ${[{ path: '/', rule: 'type object' }]}
    ${null}                                                                                   | ${'schema_violation'} | ${[{ path: '/', rule: 'type object' }]}
    ${{ ...sampleEvent('events/login/1'), payload: null }}                                    | ${'schema_violation'} | ${[{ path: '/', rule: 'required payload' }]}
    ${{ ...sampleEvent('events/login/1'), eventId: `x${uuid}` }}                              | ${'schema_violation'} | ${[{ path: '/eventId', rule: 'format uuid' }]}
    ${{ ...sampleEvent('events/login/1'), version: 0 }}                                       | ${'schema_violation'} | ${[{ path: '/version', rule: 'minimum 1', value: '0' }]}
    ${{ ...sampleEvent('events/login/1'), version: 7 }}                                       | ${'unknown_version'}  | ${[{ path: '/version', rule: 'a published version of login', value: '7' }]}
    ${{ ...sampleEvent('events/login/1'), type: 'logon' }}                                    | ${'unknown_type'}     | ${[{ path: '/type', rule: 'a type of schemas/events' }]}
    ${{ ...sampleEvent('events/login/1'), type: 'constructor' }}                              | ${'unknown_type'}     | ${[{ path: '/type', rule: 'a type of schemas/events' }]}
    ${sampleEvent('events/login/1', {})}                                                      | ${'schema_violation'} | ${[{ path: '/payload', rule: 'required userId, or another of its kind' }, { path: '/payload', rule: 'required anonymousId, or another of its kind' }]}
    ${sampleEvent('events/login/1', { userId: '' })}                                          | ${'schema_violation'} | ${[{ path: '/payload/userId', rule: 'minLength 1' }]}
    ${sampleEvent('events/login/1', { userId: 'u', success: 'yes' })}                         | ${'schema_violation'} | ${[{ path: '/payload/success', rule: 'type boolean' }]}
    ${sampleEvent('events/login/1', { userId: 'u', success: 4711 })}                          | ${'schema_violation'} | ${[{ path: '/payload/success', rule: 'type boolean' }]}
    ${sampleEvent('events/metric/1', { service: 'a', cpu: 100.5 })}                           | ${'schema_violation'} | ${[{ path: '/payload/cpu', rule: 'maximum 100', value: '100.5' }]}
    ${sampleEvent('events/transaction/1', { userId: 2 ** 53, amount: 1, currency: 'USD' })}   | ${'schema_violation'} | ${[{ path: '/payload/userId', rule: 'an integer of at most 9007199254740991; send longer ids as text' }]}
    ${sampleEvent('events/transaction/1', { userId: 1, amount: '1.23456', currency: 'USD' })} | ${'schema_violation'} | ${[{ path: '/payload/amount', rule: expect.stringMatching(/^an amount /) }]}
  `('is refused with its reasons: $reasons', ({ event, kind, reasons }) => {
    expect(receive(event)).toMatchObject({ ok: false, rejection: { kind, reasons } });
  });

  test('is refused for a number that JSON cannot hold', () => {
    const text = JSON.stringify(sampleEvent('events/metric/1', { service: 'a', latency_ms: 1 }));
    const outcome = receiveEvent(Buffer.from(text.replace('"latency_ms":1', '"latency_ms":1e400')));
    expect(outcome).toMatchObject({ rejection: { reasons: [{ path: '/payload/latency_ms', rule: 'type number' }] } });
  });

  test('is refused where a map is nested a hundred thousand deep, and accepted at thirty-two', () => {
    const nested = (levels: number) =>
      JSON.stringify(sampleEvent('events/form_submit/1', { userId: 'u', formId: 'f', fields: {} })).replace(
        '"fields":{}',
        `"fields":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`,
      );
    expect(receiveEvent(Buffer.from(nested(32)))).toMatchObject({ ok: true });
    for (const levels of [33, 100_000]) {
      expect(receiveEvent(Buffer.from(nested(levels)))).toMatchObject({
        rejection: { reasons: [{ path: '/payload/fields', rule: 'a map nested at most 32 deep' }] },
      });
    }
  });
});

describe('the time of an event', () => {
  test.each`
    timestamp                        | isTaken
    ${'2024-02-29T00:00:00Z'}        | ${true}
    ${'2026-01-02T23:59:59.999999Z'} | ${true}
    ${'2026-01-02T03:04:05+00:00'}   | ${true}
    ${'2000-02-29T12:00:00Z'}        | ${true}
    ${'1900-01-01T00:00:00Z'}        | ${true}
    ${'2023-02-29T00:00:00Z'}        | ${false}
    ${'1900-02-29T00:00:00Z'}        | ${false}
    ${'2026-04-31T00:00:00Z'}        | ${false}
    ${'2026-13-01T00:00:00Z'}        | ${false}
    ${'2026-01-02T24:00:00Z'}        | ${false}
    ${'2026-01-02T12:60:00Z'}        | ${false}
    ${'2016-12-31T23:59:60Z'}        | ${false}
    ${'2026-01-02T03:04:05+01:00'}   | ${false}
    ${'2026-01-02T03:04:05'}         | ${false}
    ${'2026-01-02'}                  | ${false}
    ${'1899-12-31T23:59:59Z'}        | ${false}
    ${'0000-01-01T00:00:00Z'}        | ${false}
    ${'+12026-01-01T00:00:00Z'}      | ${false}
    ${1_767_322_645_000}             | ${false}
  `('$timestamp is taken: $isTaken', ({ timestamp, isTaken }) => {
    expect(login({ userId: 'u' }, { timestamp }).ok).toBe(isTaken);
  });
});

describe('a reason', () => {
  /** JSON whose every text and key name is personal. */
  const personal = fc.jsonValue().map((value) =>
    JSON.parse(JSON.stringify(value), (_, inner) => {
      if (typeof inner === 'string') return canary + inner;
      if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
      return Object.fromEntries(Object.entries(inner).map(([name, field]) => [canary + name, field]));
    }),
  );

  test('holds nothing of any field, valid or not, known or not', () => {
    const contract = fc.constantFrom(...eventContracts);
    const broken = fc.tuple(contract, fc.nat(), personal, personal).map(([{ id, leaves }, index, value, unknown]) => {
      const event = sampleEvent(id);
      const payload = {
        ...(event.payload as object),
        [leaves[index % leaves.length]!.property]: value,
        [canary]: unknown,
      };
      return index % 3 === 0 ? { ...event, payload: value } : { ...event, payload, [canary]: unknown };
    });
    let rejections = 0;
    fc.assert(
      fc.property(broken, (event) => {
        const outcome = receive(event);
        if (!outcome.ok) rejections += 1;
        expect(JSON.stringify(reasonsOf(outcome))).not.toContain(canary);
      }),
      { numRuns: 2000 },
    );
    expect(rejections).toBeGreaterThan(500);
  });

  test('holds nothing of an envelope', () => {
    for (const name of ['eventId', 'type', 'version', 'timestamp', 'payload']) {
      for (const value of [canary, [canary], { [canary]: canary }]) {
        const outcome = receive({ ...sampleEvent('events/login/1'), [name]: value });
        expect([name, outcome.ok, JSON.stringify(reasonsOf(outcome)).includes(canary)]).toEqual([name, false, false]);
      }
    }
  });

  test('holds nothing of what is no JSON, wherever it breaks', () => {
    const text = JSON.stringify(sampleEvent('events/form_submit/1'));
    for (let cut = 0; cut < text.length; cut += 1) {
      for (const broken of [text.slice(0, cut), `${text.slice(0, cut)}\u0001${text.slice(cut)}`, text.slice(cut + 1)]) {
        expect(JSON.stringify(reasonsOf(receiveEvent(Buffer.from(broken))))).not.toMatch(/zq7|canary|example/);
      }
    }
  });

  test('comes with at most nine others', () => {
    const payload = Object.fromEntries(Object.keys(sampleRecord(eventContracts[0]!)).map((name) => [name, [[]]]));
    expect(reasonsOf(receive(sampleEvent(eventContracts[0]!.id, payload))).length).toBe(10);
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from '../../../src/contracts/build.ts';
import { contractOf, eventValidatorOf, rowValidatorOf } from '../../../src/contracts/index.ts';
import { contractsOf, leavesOf, readSchemaFiles, type Schema } from '../../../src/contracts/read-schemas.ts';

const root = join(import.meta.dirname, '../../..');
const files = readSchemaFiles();

/** The schema files with one property of the login event replaced. */
function withLoginProperty(name: string, property: Schema) {
  const login = structuredClone(files.get('events/login/1.json')!);
  login.properties = { ...login.properties, [name]: property };
  return new Map(files).set('events/login/1.json', login);
}

describe('a contract', () => {
  test.each`
    leaf                                                              | refusal
    ${{ type: 'boolean' }}                                            | ${/events\/login\/1.json, property planted: x-privacy is missing/}
    ${{ type: 'boolean', 'x-privacy': 'secret' }}                     | ${/x-privacy must be one of .*, got secret/}
    ${{ type: 'string', 'x-privacy': 'keep' }}                        | ${/keep needs a closed domain/}
    ${{ type: 'string', pattern: '^[a-z]+$', 'x-privacy': 'keep' }}   | ${/keep needs a closed domain/}
    ${{ type: 'string', pattern: '[a-z]{1,9}', 'x-privacy': 'keep' }} | ${/keep needs a closed domain/}
    ${{ type: 'string', format: 'email', 'x-privacy': 'keep' }}       | ${/keep needs a closed domain/}
    ${{ type: 'object', 'x-privacy': 'scrub' }}                       | ${/a map is sealed or dropped whole/}
    ${{ type: 'array', 'x-privacy': 'drop' }}                         | ${/cannot be an array/}
    ${{ type: 'string', 'x-privacy': 'natural_id' }}                  | ${/needs x-namespace/}
    ${{ $ref: '../../common/types.json#/$defs/nothing' }}             | ${/nothing stands at/}
  `('refuses the leaf $leaf', ({ leaf, refusal }) => {
    expect(() => contractsOf(withLoginProperty('planted', leaf))).toThrow(refusal);
  });

  test('takes a leaf that keeps a closed domain', () => {
    const kept = { type: 'string', pattern: '^[a-z0-9_]{1,9}$', 'x-privacy': 'keep' };
    expect(() => contractsOf(withLoginProperty('planted', kept))).not.toThrow();
  });

  test('declares x-privacy on every leaf that is shipped', () => {
    const leaves = [
      ...contractsOf(files).flatMap((contract) => contract.leaves),
      ...leavesOf(files, 'common/envelope.json'),
    ];
    expect(leaves.length).toBeGreaterThan(100);
    expect(leaves.filter((leaf) => leaf.privacy === undefined)).toEqual([]);
  });

  test('refuses one column with two types, since all versions are read together', () => {
    expect(() =>
      generate(withLoginProperty('duration', { type: 'boolean', 'x-privacy': 'keep', 'x-column': 'duration_s' })),
    ).toThrow(/column duration_s is BOOLEAN in one contract and BIGINT in another/);
  });
});

describe('what is generated', () => {
  test('is what the schemas say now', () => {
    for (const [path, text] of Object.entries(generate(files))) {
      expect([path, readFileSync(join(root, path), 'utf8') === text]).toEqual([path, true]);
    }
  });

  test('needs no eval and no require at start-up', () => {
    const code = generate(files)['src/contracts/generated/validators.js']!;
    expect(code).not.toMatch(/(?<!['"_])\brequire\(|new Function\(|\beval\(/);
  });
});

describe('a small producer', () => {
  test.each`
    contract                  | payload
    ${'events/page_view/1'}   | ${{ anonymousId: 'a' }}
    ${'events/login/1'}       | ${{ userId: 'u' }}
    ${'events/login/1'}       | ${{ userId: 42 }}
    ${'events/logout/1'}      | ${{ userId: 'u', duration: 12 }}
    ${'events/purchase/1'}    | ${{ userId: 'u', amount: 19.99, currency: 'EUR' }}
    ${'events/purchase/1'}    | ${{ userId: 'u', amount: '19.9900', currency: 'EUR' }}
    ${'events/form_submit/1'} | ${{ userId: 'u', formId: 'contact', fields: { 'your name': 'x' } }}
    ${'events/log/1'}         | ${{ service: 'api', level: 'ERROR', message: 'no' }}
    ${'events/metric/1'}      | ${{ service: 'api', cpu: 85.5 }}
    ${'events/transaction/1'} | ${{ userId: 'u', amount: 1, currency: 'USD' }}
  `('may send $payload as $contract', ({ contract, payload }) => {
    const validate = contract.startsWith('events/') ? eventValidatorOf(contract) : rowValidatorOf(contract);
    expect([validate(payload), validate.errors ?? []]).toEqual([true, []]);
  });

  test('may leave the version out of the envelope', () => {
    const event = {
      eventId: '6f1f0f3c-3f0a-4c55-9d0c-1f3a5b7c9d11',
      type: 'login',
      timestamp: '2026-01-02T03:04:05Z',
      payload: {},
    };
    expect(eventValidatorOf('envelope')(event)).toBe(true);
    expect(eventValidatorOf('envelope')({ ...event, timestamp: '2026-01-02T03:04:05+01:00' })).toBe(false);
  });
});

describe('two versions of one event type', () => {
  test('live side by side: what version 2 asks for, version 1 does not', () => {
    const search = { anonymousId: 'a', query: 'lamp' };
    expect(eventValidatorOf('events/search/1')(search)).toBe(true);
    expect(eventValidatorOf('events/search/2')(search)).toBe(false);
    expect(eventValidatorOf('events/search/2')({ ...search, resultCount: 3 })).toBe(true);
    expect(contractOf('events/search/2')!.leaves.find((leaf) => leaf.property === 'query')!.column).toBe(
      'search_query',
    );
  });
});

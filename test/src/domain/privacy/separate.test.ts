import { contractOf, rawColumnsOf } from '../../../../src/contracts/index.ts';
import { type PrivacyRule, privacyRules } from '../../../../src/contracts/model.ts';
import { open } from '../../../../src/domain/privacy/seal.ts';
import { canonicalText, naturalIdsIn, separate } from '../../../../src/domain/privacy/separate.ts';
import { contracts, sampleRecord, traces } from '../../../support/sample-records.ts';

const user = { subjectId: 'subject-u', dataKey: new Uint8Array(32).fill(1) };
const anonymous = { subjectId: 'subject-a', dataKey: new Uint8Array(32).fill(2) };
const pageView = contractOf('events/page_view/1')!;
const customers = contractOf('customers/1')!;
const formSubmit = contractOf('events/form_submit/1')!;

const hasTrace = (value: unknown) => traces.some((trace) => JSON.stringify({ value }).includes(trace));

describe('each privacy rule', () => {
  const leaves = contracts.flatMap((contract) => contract.leaves.map((leaf) => ({ contract, leaf })));
  const personal = leaves.filter(({ contract, leaf }) => hasTrace(sampleRecord(contract)[leaf.property]));

  test('but drop, which no contract uses yet, stands in some contract over a field that holds personal data', () => {
    const used = new Set(personal.map(({ leaf }) => leaf.privacy));
    expect(privacyRules.filter((rule) => !used.has(rule))).toEqual(['keep', 'drop']);
  });

  test.each(
    personal.map(({ contract, leaf }) => ({ id: contract.id, contract, leaf, record: sampleRecord(contract) })),
  )(
    'takes the personal data out of $id, $leaf.property ($leaf.privacy); under keep they would stay',
    ({ contract, leaf, record }) => {
      const lineUnder = (privacy: PrivacyRule) => {
        const ruled = { ...contract, leaves: [{ ...leaf, privacy }] };
        const field = { [leaf.property]: record[leaf.property] };
        return separate({ contract: ruled, record: field }, { user, anonymous }).line;
      };
      expect(hasTrace(lineUnder(leaf.privacy))).toBe(false);
      expect(hasTrace(lineUnder('drop'))).toBe(false);
      expect(hasTrace(lineUnder('keep'))).toBe(true);
    },
  );
});

describe('a separated record', () => {
  test('holds what was kept under the names of the columns, and counts what the contract does not know', () => {
    const payload = {
      userId: 42,
      anonymousId: 'a',
      page: '/cart?user=jane',
      device: 'iPhone',
      ip: '203.0.113.77',
      durationMs: 0,
      campaign: '',
      secret: 'x',
    };
    expect(separate({ contract: pageView, record: payload }, { user, anonymous })).toEqual({
      line: {
        subject_id: 'subject-u',
        anonymous_subject_id: 'subject-a',
        page: '/cart',
        device_family: 'iphone',
        ip_network: '203.0.113.0/24',
        duration_ms: 0,
      },
      personal: {},
      unknownFieldCount: 1,
    });
  });

  test('gives the vault what is the vault’s, and raw the coarse rest', () => {
    const { line, personal } = separate({ contract: customers, record: sampleRecord(customers) }, { user });
    expect(Object.keys(personal)).toEqual(['email', 'full_name', 'address', 'phone']);
    expect(line).toMatchObject({
      subject_id: 'subject-u',
      city: '[email]',
      birth_decade: 1980,
      signup_month: '2024-02-01',
    });
  });

  test('has money as text of four decimals and times in UTC to the millisecond', () => {
    const line = separate(
      {
        contract: contractOf('transactions/1')!,
        record: { unit_price: 1.5, amount: '-2', ordered_at: '2026-01-02T03:04:05.1239+00:00' },
      },
      {},
    ).line;
    expect(line).toEqual({ unit_price: '1.5000', amount: '-2.0000', ordered_at: '2026-01-02T03:04:05.123Z' });
  });

  test.each`
    whose                  | subjects               | key
    ${'the user'}          | ${{ user, anonymous }} | ${user.dataKey}
    ${'the visitor, else'} | ${{ anonymous }}       | ${anonymous.dataKey}
  `('has free text sealed under the key of $whose', ({ subjects, key }) => {
    const { line } = separate({ contract: formSubmit, record: { fields: { name: 'Jane' } } }, subjects);
    expect(open(key, String(line.fields_sealed), 'fields_sealed').toString()).toBe('{"name":"Jane"}');
  });

  test('has no free text where it has no subject to seal it for', () => {
    expect(separate({ contract: formSubmit, record: { fields: { name: 'Jane' } } }, {}).line).toEqual({});
  });
});

describe('natural ids', () => {
  test.each`
    payload                              | ids
    ${{ userId: 'u', anonymousId: 'a' }} | ${['user u', 'anonymous a']}
    ${{ userId: 42 }}                    | ${['user 42']}
    ${{ userId: '42' }}                  | ${['user 42']}
    ${{ anonymousId: 'u' }}              | ${['anonymous u']}
    ${{ userId: '' }}                    | ${[]}
    ${{}}                                | ${[]}
  `('of $payload are $ids', ({ payload, ids }) => {
    expect(naturalIdsIn(pageView, payload).map(({ namespace, id }) => `${namespace} ${id}`)).toEqual(ids);
  });
});

test('the canonical text of a line does not depend on the order of its columns', () => {
  const columns = rawColumnsOf('products');
  const text = canonicalText({ price: '1.0000', product_id: 'p' }, columns);
  expect(canonicalText({ product_id: 'p', price: '1.0000' }, columns)).toBe(text);
  expect(canonicalText({ product_id: 'p', cost: '1.0000' }, columns)).not.toBe(text);
});

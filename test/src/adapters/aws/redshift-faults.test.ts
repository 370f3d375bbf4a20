/**
 * What becomes of a transaction and a query on Redshift when a call fails. moto knows no sessions and no failures, so that
 * these tests speak to a mock of the client (test/support/fake-redshift.ts).
 */
import fc from 'fast-check';
import { RedshiftWarehouse } from '../../../../src/adapters/aws/redshift-warehouse.ts';
import { DirectoryObjectStore } from '../../../../src/adapters/local/directory-object-store.ts';
import { AdapterError, EngineError } from '../../../../src/ports.ts';
import { type Call, type Fault, fakeRedshift } from '../../../support/fake-redshift.ts';
import { rejection } from '../../../support/faulty-aws.ts';
import { temporaryDirectories } from '../../../support/local-stores.ts';

const objects = new DirectoryObjectStore(temporaryDirectories()(), { access: 'write', isOnlyWriter: true });
const timer = { sleep: async () => {}, random: () => 0.5 };
const statements = ['delete from a', 'insert into a select 1'].map((sql) => ({ sql, what: `planted: ${sql}` }));
const whole = ['begin', 'delete from a', 'insert into a select 1', 'commit'];

function redshift(faultAt: (call: Call) => Fault | undefined) {
  const fake = fakeRedshift(faultAt);
  const place = { workgroup: 'c360', database: 'dev', copyRoleArn: 'arn:aws:iam::123456789012:role/copy' };
  return { ...fake, warehouse: new RedshiftWarehouse({ client: fake.client, ...place, objects, timer }) };
}

/** The fault at the first calls of this kind, `times` of them. */
const at = (fault: Fault, command: Call['command'], sql: string, times = 1) => {
  let left = times;
  return (call: Call) => {
    if (call.command !== command || call.sql !== sql || left === 0) return undefined;
    left -= 1;
    return fault;
  };
};

const [del] = [statements[0]!.sql];

describe('a transaction is committed once, whole and in order, although', () => {
  const passing: Fault[] = ['throttled', 'statements exceeded', 'sessions exceeded', 'answer lost', 'resuming'];
  const places = (['execute', 'describe'] as const).flatMap((command) =>
    ['begin', del, 'commit'].map((sql) => ({ command, sql })),
  );
  const rows = passing.flatMap((fault) =>
    places.map(({ command, sql }): [Fault, Call['command'], string] => [fault, command, sql]),
  );

  test.each(rows)('%s at %s of %s', async (fault, command, sql) => {
    const { warehouse, inState } = redshift(at(fault, command, sql));
    await warehouse.transaction(statements);
    expect(inState('committed')).toEqual([whole]);
  });

  test.each<[Fault, Call['command'], string]>([
    ['session gone', 'execute', del],
    ['session gone', 'describe', del],
    ['connection closed', 'execute', 'begin'],
    ['connection closed', 'execute', del],
    ['not found', 'describe', del],
  ])('%s at %s of %s', async (fault, command, sql) => {
    const { warehouse, inState } = redshift(at(fault, command, sql));
    await warehouse.transaction(statements);
    expect(inState('committed')).toEqual([whole]);
    expect(inState('gone')).toHaveLength(fault === 'not found' ? 0 : 1);
  });
});

describe('a transaction is an error that says what to do, and nothing is committed, where', () => {
  test.each<[Fault, Call['command'], string, typeof AdapterError | typeof EngineError, boolean | undefined, RegExp]>([
    [
      'credentials expired',
      'execute',
      'begin',
      AdapterError,
      false,
      /^Redshift: begin failed with ExpiredTokenException: the credentials are not valid, or no longer; sign in anew/,
    ],
    ['credentials expired', 'describe', del, AdapterError, false, /sign in anew/],
    ['access denied', 'execute', 'begin', AdapterError, false, /^Redshift: begin failed with AccessDeniedException$/],
    [
      'usage limit',
      'execute',
      del,
      EngineError,
      undefined,
      /^planted: delete from a: the warehouse's usage limit is reached: raise it, or wait/,
    ],
    ['stopped', 'execute', del, EngineError, undefined, /^planted: delete from a: it was stopped; /],
    ['failed', 'execute', del, EngineError, undefined, /^planted: delete from a: it failed; /],
    ['failed', 'execute', 'commit', EngineError, undefined, /^commit: it failed; /],
  ])('%s at %s of %s', async (fault, command, sql, kind, retryable, message) => {
    const { warehouse, inState } = redshift(at(fault, command, sql));
    const error = await rejection(warehouse.transaction(statements));
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({
      message: expect.stringMatching(message),
      ...(retryable !== undefined && { retryable }),
    });
    expect(String(error)).not.toContain('planted-7f3a9c');
    expect(inState('committed')).toEqual([]);
  });

  test('a call is throttled every time', async () => {
    const { warehouse, inState } = redshift(at('throttled', 'execute', del, 8));
    const message = 'Redshift: planted: delete from a failed with ThrottlingException';
    expect(await rejection(warehouse.transaction(statements))).toMatchObject({ message, retryable: true });
    expect([inState('committed'), inState('rolled back')]).toEqual([[], [['begin', 'rollback']]]);
  });

  test('three sessions are lost', async () => {
    const { warehouse, inState } = redshift(at('session gone', 'execute', del, 3));
    const error = await rejection(warehouse.transaction(statements));
    expect(error).toMatchObject({
      message: expect.stringMatching(/its session has ended, .* run it again$/),
      retryable: true,
    });
    expect([inState('committed'), inState('gone').length]).toEqual([[], 3]);
  });
});

test.each<[Fault, Call['command'], string[][]]>([
  ['session gone', 'execute', []],
  ['session gone', 'describe', [whole]],
  ['connection closed', 'execute', []],
])(
  'where %s at %s of the commit, its end is unknown: it is not run twice, and the caller may ask',
  async (fault, command, committed) => {
    const { warehouse, inState, asked } = redshift(at(fault, command, 'commit'));
    const error = await rejection(warehouse.transaction(statements));
    expect(error).toMatchObject({
      message:
        'commit: its session has ended, and it is not known whether before or after; run it again, which finds out',
      retryable: true,
    });
    expect(inState('committed')).toEqual(committed);
    expect(asked().filter((sql) => sql === 'begin')).toHaveLength(1);
  },
);

test('whatever fails where, it is committed once and whole, or there is an error', async () => {
  const names: Fault[] = [
    'throttled',
    'statements exceeded',
    'sessions exceeded',
    'resuming',
    'credentials expired',
    'access denied',
    'answer lost',
    'session gone',
    'not found',
    'connection closed',
    'usage limit',
    'stopped',
    'failed',
  ];
  const outcomes = { committed: 0, refused: 0 };
  const planned = fc.array(fc.option(fc.constantFrom(...names), { nil: undefined, freq: 3 }), {
    minLength: 4,
    maxLength: 24,
  });
  await fc.assert(
    fc.asyncProperty(planned, async (plan) => {
      let calls = 0;
      const { warehouse, inState } = redshift(() => plan[calls++]);
      const error = await warehouse.transaction(statements).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      const committed = inState('committed');
      if (error === undefined) {
        outcomes.committed += 1;
        expect(committed).toEqual([whole]);
        return;
      }
      outcomes.refused += 1;
      expect(error instanceof AdapterError || error instanceof EngineError).toBe(true);
      expect(String(error)).not.toContain('planted-7f3a9c');
      expect(committed.length).toBeLessThanOrEqual(1);
      // What was committed although there is an error was whole, and the error does not say that it failed in itself.
      for (const one of committed) expect([one, error instanceof EngineError]).toEqual([whole, false]);
    }),
    { numRuns: 300 },
  );
  expect(Math.min(outcomes.committed, outcomes.refused)).toBeGreaterThan(20);
});

describe('a query', () => {
  test.each<[Fault, Call['command']]>([
    ['throttled', 'execute'],
    ['answer lost', 'execute'],
    ['not found', 'describe'],
    ['not found', 'result'],
    ['throttled', 'result'],
  ])('is answered although %s at %s', async (fault, command) => {
    const { warehouse } = redshift(at(fault, command, 'select 7'));
    expect((await warehouse.query('select 7')).rows).toEqual([[7]]);
  });

  test('whose result is never there is an error', async () => {
    const { warehouse } = redshift(at('not found', 'result', 'select 7', 8));
    const message = 'Redshift: query 1 failed with ResourceNotFoundException: it is not yet there';
    expect(await rejection(warehouse.query('select 7', 'query 1'))).toMatchObject({ message, retryable: true });
  });
});

test('statements that no transaction takes run one after the other, up to the first that fails', async () => {
  const { warehouse, asked } = redshift(at('failed', 'execute', 'vacuum b'));
  const each = ['vacuum a', 'vacuum b', 'vacuum c'].map((sql) => ({ sql, what: sql }));
  await expect(warehouse.each(each)).rejects.toThrow(/^vacuum b: it failed; /);
  expect(asked()).toEqual(['vacuum a', 'vacuum b']);
});

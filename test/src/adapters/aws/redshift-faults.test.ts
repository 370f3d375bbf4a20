/**
 * What becomes of transactions and queries on Redshift when calls fail, functions die, or two work at once. moto knows no
 * sessions and no failures, so that these tests ask a Data API of their own (test/support/redshift-data-server.ts).
 */
import fc from 'fast-check';
import { RedshiftWarehouse } from '../../../../src/adapters/aws/redshift-warehouse.ts';
import { DirectoryObjectStore } from '../../../../src/adapters/local/directory-object-store.ts';
import { AdapterError, EngineError, type ObjectStore } from '../../../../src/ports.ts';
import { rejection } from '../../../support/faulty-aws.ts';
import { temporaryDirectories } from '../../../support/local-stores.ts';
import { type Call, type Fault, quotedWords, RedshiftDataServer } from '../../../support/redshift-data-server.ts';

type Action = Call['action'];

const objects = new DirectoryObjectStore(temporaryDirectories()(), { access: 'write', isOnlyWriter: true });
const timer = { sleep: async () => {}, random: () => 0.5 };
const steps = [1, 2, 3].map((number) => `insert into done values (${number})`);
const statements = steps.map((sql) => ({ sql, what: `planted: ${sql}` }));
const [first, second] = steps as [string, string];
const whole = [['1'], ['2'], ['3']];
/** As a load does: of two at once one waits or is broken off, and none does again what is done. */
const inTurn = [
  'delete from turns',
  'insert into turns values (1)',
  "select cast(case when count(*) = 0 then '0' else 'it is done' end as bigint) as difference from done",
].map((sql) => ({ sql, what: sql }));

let server: RedshiftDataServer;
/** Names the transaction of a test. */
let id: string;
let tests = 0;

beforeAll(async () => {
  server = await RedshiftDataServer.start(() => Promise.reject(new Error('nothing is copied here')));
  await server.select('create table done (step varchar)');
  await server.select('create table turns as select 1 as turn');
});
afterAll(() => server.close());

async function begin(): Promise<void> {
  await server.endSessions();
  server.statements.length = 0;
  server.faultAt = () => undefined;
  tests += 1;
  id = `load ${tests}`;
  await server.select('delete from done');
}
beforeEach(begin);

/** What others see, in the order in which it was done. */
const content = () => server.select('select step from done order by rowid');

type Through = <Answer>(work: () => Promise<Answer>) => Promise<Answer>;

/** A function's warehouse: its slice is over behind one statement, where nothing else is said. */
function redshift(through: Through = (work) => work(), sliceSeconds = 2): RedshiftWarehouse {
  let seconds = 0;
  const now = () => {
    seconds += 1;
    return new Date(seconds * 1000);
  };
  const place = { workgroup: 'c360', database: 'dev', copyRoleArn: 'arn:aws:iam::123456789012:role/copy' };
  const noting: ObjectStore = Object.create(objects, {
    get: { value: (key: string) => objects.get(key) },
    put: { value: (key: string, body: Uint8Array) => through(() => objects.put(key, body)) },
  });
  const client = server.client(through);
  return new RedshiftWarehouse({ client, ...place, objects: noting, timer, clock: { now }, sliceSeconds });
}

const atOnce = (warehouse: RedshiftWarehouse) => warehouse.transaction(statements);

/** As the state machine does: again while it goes on, each time having asked whether it is there already. */
async function inSlices(warehouse: RedshiftWarehouse): Promise<void> {
  for (let calls = 0; calls < 60; calls += 1) {
    if ((await content()).length > 0) return;
    if ((await warehouse.advance(id, statements)) === 'committed') return;
  }
  throw new Error('it has no end');
}

const ways: [string, (warehouse: RedshiftWarehouse) => Promise<void>][] = [
  ['at once', atOnce],
  ['in slices', inSlices],
];

/** The fault at the first calls of this kind, `times` of them. */
const plant = (fault: Fault, action: Action, sql: string, times = 1) => {
  let left = times;
  server.faultAt = (call) => {
    if (call.action !== action || call.sql !== sql || left === 0) return undefined;
    left -= 1;
    return fault;
  };
};

const [execute, describeStatement] = ['ExecuteStatement', 'DescribeStatement'] as const;

describe.each(ways)('a transaction %s is committed once, whole and in order, although', (_way, run) => {
  const passing: Fault[] = [
    'session unnamed',
    'throttled',
    'statements exceeded',
    'sessions exceeded',
    'answer lost',
    'resuming',
  ];
  const places = [execute, describeStatement].flatMap((action) =>
    ['begin', second, 'commit'].map((sql) => ({ action, sql })),
  );
  const rows = passing.flatMap((fault) =>
    places.map(({ action, sql }): [Fault, Action, string] => [fault, action, sql]),
  );

  test.each([...rows, ['not ended', describeStatement, second], ['not ended', describeStatement, 'commit']] as const)(
    '%s at %s of %s',
    async (fault, action, sql) => {
      plant(fault, action, sql);
      await run(redshift());
      expect(await content()).toEqual(whole);
    },
  );

  test.each<[Fault, Action, string, begun: number]>([
    ['session gone', execute, second, 2],
    ['session gone', describeStatement, second, 2],
    ['session busy', execute, second, 2],
    ['session busy', describeStatement, second, 2],
    ['connection closed', execute, 'begin', 2],
    ['connection closed', execute, second, 2],
    ['overtaken', execute, second, 2],
    ['overtaken', execute, 'commit', 2],
    ['deadlock', execute, second, 2],
    ['not found', describeStatement, second, 1],
  ])('%s at %s of %s, by %i sessions', async (fault, action, sql, begun) => {
    plant(fault, action, sql);
    await run(redshift());
    expect(await content()).toEqual(whole);
    expect(server.statements.filter((text) => text === 'begin')).toHaveLength(begun);
  });
});

describe.each(ways)(
  'a transaction %s is an error that says what to do, and nothing is committed, where',
  (_way, run) => {
    const fails = (told: string) => [
      EngineError,
      undefined,
      new RegExp(`^planted: ${second.replace(/[()]/g, '.')}: ${told}`),
    ];

    test.each([
      [
        'credentials expired',
        execute,
        'begin',
        AdapterError,
        false,
        /^Redshift: begin failed with ExpiredTokenException: the credentials are not valid, or no longer; sign in anew/,
      ],
      ['credentials expired', describeStatement, second, AdapterError, false, /sign in anew/],
      ['access denied', execute, 'begin', AdapterError, false, /^Redshift: begin failed with AccessDeniedException$/],
      ['usage limit', execute, second, ...fails("the warehouse's usage limit is reached: raise it, or wait")],
      ['stopped', execute, second, ...fails('it was stopped; ')],
      ['failed', execute, second, ...fails('it failed; ')],
      ['failed', execute, 'commit', EngineError, undefined, /^commit: it failed; /],
    ] as [Fault, Action, string, typeof Error, boolean | undefined, RegExp][])(
      '%s at %s of %s',
      async (fault, action, sql, kind, retryable, message) => {
        plant(fault, action, sql);
        const error = await rejection(run(redshift()));
        expect(error).toBeInstanceOf(kind);
        expect(error).toMatchObject({
          message: expect.stringMatching(message),
          ...(retryable !== undefined && { retryable }),
        });
        expect(String(error)).not.toContain(quotedWords);
        expect(await content()).toEqual([]);
      },
    );

    test('three sessions are lost', async () => {
      plant('session gone', execute, second, 3);
      const error = await rejection(run(redshift()));
      expect(error).toMatchObject({
        message: expect.stringMatching(/its session has ended, .* run it again$/),
        retryable: true,
      });
      expect([await content(), server.statements.filter((sql) => sql === 'begin').length]).toEqual([[], 3]);
    });

    test('Redshift has refused a statement, and then its session is rolled back', async () => {
      plant('failed', execute, second);
      await rejection(run(redshift()));
      expect(server.statements).toEqual(['begin', first, second, 'rollback']);
    });
  },
);

describe('a call that is throttled every time', () => {
  const message = `Redshift: planted: ${second} failed with ThrottlingException`;
  beforeEach(() => plant('throttled', execute, second, 8));

  test('rolls back a transaction that nobody goes on with', async () => {
    expect(await rejection(atOnce(redshift()))).toMatchObject({ message, retryable: true });
    expect(server.statements).toEqual(['begin', first, 'rollback']);
  });

  test('leaves one in slices where it is, and the next call goes on', async () => {
    expect(await rejection(inSlices(redshift()))).toMatchObject({ message, retryable: true });
    expect(server.statements).toEqual(['begin', first]);
    await inSlices(redshift());
    expect([await content(), server.statements]).toEqual([whole, ['begin', ...steps, 'commit']]);
  });
});

describe.each<[Fault, Action, committed: string[][]]>([
  ['session gone', execute, []],
  ['session gone', describeStatement, whole],
  ['connection closed', execute, []],
])('where %s at %s of the commit, its end is unknown', (fault, action, committed) => {
  beforeEach(() => plant(fault, action, 'commit'));

  test('and one at once is not run twice: the caller may ask', async () => {
    expect(await rejection(atOnce(redshift()))).toMatchObject({
      message:
        'commit: its session has ended, and it is not known whether before or after; run it again, which finds out',
      retryable: true,
    });
    expect(await content()).toEqual(committed);
    expect(server.statements.filter((sql) => sql === 'begin')).toHaveLength(1);
  });

  test('and one in slices begins anew where it is not there', async () => {
    await inSlices(redshift());
    expect(await content()).toEqual(whole);
    expect(server.statements.filter((sql) => sql === 'begin')).toHaveLength(committed.length > 0 ? 1 : 2);
  });
});

test.each<[Fault]>([['session gone'], ['session busy'], ['connection closed'], ['overtaken'], ['deadlock']])(
  'one in slices that meets "%s" ends its call, so that the caller asks what is there before it begins anew',
  async (fault) => {
    const wholeSlice = redshift(undefined, 600);
    plant(fault, execute, second);
    expect(await wholeSlice.advance(id, statements)).toBe('running');
    expect(server.statements.filter((sql) => sql === 'begin')).toHaveLength(1);
    expect(await wholeSlice.advance(id, statements)).toBe('committed');
    expect(await content()).toEqual(whole);
  },
);

test('a transaction in slices is the one of its id and statements, and another where they are others', async () => {
  await redshift().advance(id, statements);
  await redshift().advance(id, [{ sql: "insert into done values ('other')", what: 'other' }]);
  await redshift().advance(`${id} again`, statements);
  expect(server.statements).toEqual(['begin', 'begin', 'begin']);
  await inSlices(redshift());
  expect(await content()).toEqual(whole);
});

const faults: Fault[] = [
  'throttled',
  'statements exceeded',
  'sessions exceeded',
  'resuming',
  'credentials expired',
  'access denied',
  'answer lost',
  'session gone',
  'session busy',
  'session unnamed',
  'not found',
  'not ended',
  'connection closed',
  'overtaken',
  'deadlock',
  'usage limit',
  'stopped',
  'failed',
];
type Planned = Fault | 'dies before' | 'dies behind' | undefined;
const plans = (...names: Exclude<Planned, undefined>[]) =>
  fc.array(fc.option(fc.constantFrom(...names), { nil: undefined, freq: 3 }), { minLength: 4, maxLength: 24 });

/** Functions whose calls fare as planned, whoever makes them. */
function functionsBy(plan: Planned[]) {
  let calls = 0;
  let next: Planned;
  server.faultAt = () => (next === 'dies before' || next === 'dies behind' ? undefined : next);
  /** Its answer; `died` where it made none. */
  return (work: (warehouse: RedshiftWarehouse) => Promise<unknown>): Promise<unknown> =>
    new Promise((resolve) => {
      const through: Through = async (call) => {
        next = plan[calls];
        calls += 1;
        if (next !== 'dies before' && next !== 'dies behind') return call();
        if (next === 'dies behind') await call().catch(() => {});
        resolve('died');
        // Nothing of it goes on.
        return new Promise(() => {});
      };
      work(redshift(through)).then(resolve, resolve);
    });
}

/** Whole, or not there; and no error that says that it failed where it did not. */
function expectSound(committed: unknown[][], answers: unknown[]): void {
  expect([[], whole]).toContainEqual(committed);
  if (answers.includes('committed')) expect(committed).toEqual(whole);
  for (const answer of answers) {
    if (!(answer instanceof Error)) continue;
    expect(answer instanceof AdapterError || answer instanceof EngineError).toBe(true);
    expect(String(answer)).not.toContain(quotedWords);
    if (answer instanceof EngineError) expect(committed).toEqual([]);
  }
}

const mayPass = (answer: unknown) => !(answer instanceof Error) || (answer instanceof AdapterError && answer.retryable);

test('whatever fails where, one at once is committed once and whole, or there is an error', async () => {
  const outcomes = { committed: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(plans(...faults), async (plan) => {
      await begin();
      const answer = await functionsBy(plan)((warehouse) => atOnce(warehouse).then(() => 'committed'));
      outcomes[answer === 'committed' ? 'committed' : 'refused'] += 1;
      expectSound(await content(), [answer]);
    }),
    { numRuns: 80 },
  );
  expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(15);
});

test.each([[1], [2]])(
  'whatever fails where, and whoever dies, one in slices is committed once and whole by %i functions at a time, or refused',
  async (atATime) => {
    const outcomes = { committed: 0, refused: 0, died: 0 };
    await fc.assert(
      fc.asyncProperty(plans(...faults, 'dies before', 'dies behind', 'dies behind'), async (plan) => {
        await begin();
        const newFunction = functionsBy(plan);
        const asked = async (error: unknown) => {
          if (error instanceof EngineError && (await content()).length > 0) return 'running';
          throw error;
        };
        const call = () => newFunction((warehouse) => warehouse.advance(id, [...inTurn, ...statements]).catch(asked));
        let answers: unknown[] = [];
        let [rounds, failures] = [0, 0];
        // As the state machine tries: four times where it fails, and on and on while it is running.
        while ((await content()).length === 0 && answers.every(mayPass) && failures < 4) {
          rounds += 1;
          expect(rounds).toBeLessThan(60);
          answers = await Promise.all(Array.from({ length: atATime }, call));
          if (answers.includes('died')) outcomes.died += 1;
          if (answers.some((answer) => answer instanceof Error)) failures += 1;
          expectSound(await content(), answers);
        }
        outcomes[(await content()).length > 0 ? 'committed' : 'refused'] += 1;
      }),
      { numRuns: 60 },
    );
    expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(10);
  },
  180_000,
);

describe('a query', () => {
  test.each<[Fault, Action]>([
    ['throttled', execute],
    ['answer lost', execute],
    ['not found', describeStatement],
    ['not found', 'GetStatementResult'],
    ['throttled', 'GetStatementResult'],
  ])('is answered although %s at %s', async (fault, action) => {
    plant(fault, action, 'select 7');
    expect((await redshift().query('select 7')).rows).toEqual([[7]]);
  });

  test('whose result is never there is an error', async () => {
    plant('not found', 'GetStatementResult', 'select 7', 8);
    const message = 'Redshift: query 1 failed with ResourceNotFoundException: it is not yet there';
    expect(await rejection(redshift().query('select 7', 'query 1'))).toMatchObject({ message, retryable: true });
  });
});

test('statements that no transaction takes run one after the other, up to the first that fails', async () => {
  plant('failed', execute, 'vacuum b');
  const each = ['vacuum a', 'vacuum b', 'vacuum c'].map((sql) => ({ sql, what: sql }));
  await expect(redshift().each(each)).rejects.toThrow(/^vacuum b: it failed; /);
  expect(server.statements).toEqual(['vacuum a', 'vacuum b']);
});

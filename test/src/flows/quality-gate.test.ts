/** What a gate refuses is taken out, told, and brought back once repaired; what it cannot pass is never published. */
import { newestSnapshot } from '../../../src/flows/documents.ts';
import { excludeRows } from '../../../src/flows/exclude-rows.ts';
import { readExclusions } from '../../../src/flows/exclusions.ts';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { judgeQuality } from '../../../src/flows/judge-quality.ts';
import { findNewInputs, planCleanLayer } from '../../../src/flows/plan-run.ts';
import { readQualityReport } from '../../../src/flows/quality-report.ts';
import { bodyOpener, waitingRecords } from '../../../src/flows/quarantine.ts';
import { redrive } from '../../../src/flows/redrive.ts';
import { runModels } from '../../../src/flows/run-models.ts';
import { readStatus } from '../../../src/flows/status.ts';
import { traceRecord } from '../../../src/flows/trace.ts';
import { runPipeline } from '../../../src/local/run-pipeline.ts';
import type { Alert, Environment } from '../../../src/ports.ts';
import { collect } from '../../support/collect.ts';
import {
  type DoorPlatform,
  doorPlatform,
  failingAt,
  PlantedFailure,
  withoutAnswers,
} from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
const told: Alert[] = [];

/** Without answers, and with alerts that are kept here. */
function watched(whole: Environment): Environment {
  told.length = 0;
  return { ...withoutAnswers(whole), alerts: { send: async (alert) => void told.push(alert) } };
}

let platform: DoorPlatform;
let env: Environment;

beforeEach(() => {
  platform = doorPlatform(newDirectory());
  env = watched(platform.env);
});
afterEach(() => platform.close());

const header =
  'transaction_id,line_no,product_id,quantity,unit_price,currency,channel,country,payment_method,ordered_at';
const sale = (id: string, { price = '9.99', quantity = '2', day = '2026-02-28' } = {}) =>
  `${id},1,p1,${quantity},${price},USD,web,US,card,${day}T10:00:00Z`;

const ingest = async (...rows: string[]) =>
  ingestBatch(env)(await platform.land('transactions', `${[header, ...rows].join('\n')}\n`));

/** Run ids tell the time: no two runs begin in one second. */
const run = (at: Environment = env, input = {}) => {
  platform.clock.advance(1);
  return runPipeline(at, {}, input);
};
const stopped = async (work: Promise<unknown>) => (await work.catch((error: Error) => error)) as Error;
const rows = async (sql: string) => (await env.warehouse.query(sql)).rows;
const revenue = () => rows('select transaction_id, quantity, amount from fact_sales order by transaction_id');
const waiting = async () => collect(waitingRecords(env));
const sales = async () => (await readStatus(env)()).datasets[3]!;

/** Brings the waiting records back with these columns changed. */
async function repair(changes: object) {
  const openBody = bodyOpener(env);
  const repaired = new Map<string, Record<string, unknown>>();
  for (const { id, line } of await waiting()) {
    repaired.set(id, { ...JSON.parse(Buffer.from((await openBody(line))!).toString()), ...changes });
  }
  return redrive(env)({ repaired });
}

describe('a row that breaks a check', () => {
  beforeEach(async () => {
    await ingest(sale('t1'), sale('t2', { price: '9990' }), sale('t3'));
    await run();
  });

  test('is left out, waits in quarantine under the check that refused it, and is counted', async () => {
    expect(await revenue()).toEqual([
      ['t1', 2, '19.9800'],
      ['t3', 2, '19.9800'],
    ]);
    const [record] = await waiting();
    expect(record!.line).toMatchObject({
      kind: 'refused_by_gate',
      reasons: [{ path: '/unit_price', rule: 'check unit_price_is_plausible' }],
      origin: { source_line: 3 },
    });
    expect(await sales()).toMatchObject({
      received: 3,
      raw: 3,
      clean: 2,
      refused: 1,
      quarantined: 0,
      isBalanced: true,
    });
  });

  test('can be traced: in raw, left out, and in quarantine', async () => {
    const steps = await traceRecord(env)('t2/1');
    expect(steps.map(({ step }) => step)).toEqual(['quarantine', 'raw']);
    expect(steps[0]!.detail).toContain('refused_by_gate, /unit_price check unit_price_is_plausible');
    expect(steps[1]!.detail).toContain('left out, refused by a gate for unit_price_is_plausible');
  });

  test('is told in the report by its origin, without its values', async () => {
    const report = (await readQualityReport(env))!;
    expect(report).toMatchObject({ outcome: 'warned', refused: 1 });
    const check = report.checks.find(({ name }) => name === 'unit_price_is_plausible')!;
    expect(check).toMatchObject({ outcome: 'warned', rows: 3, failures: 1, refused: 1 });
    expect(check.examples).toEqual([expect.stringMatching(/ 3$/)]);
    expect(JSON.stringify(report)).not.toContain('9990');
  });

  test('is left out by replays and later runs too', async () => {
    await run(env, { kind: 'replay' });
    await ingest(sale('t4'));
    await run();
    expect((await revenue()).map(([id]) => id)).toEqual(['t1', 't3', 't4']);
    expect(await sales()).toMatchObject({ raw: 4, clean: 3, refused: 1, isBalanced: true });
    expect((await readQualityReport(env))!.refused).toBe(0);
  });

  test('is as good as any once repaired, and its neighbours are not doubled', async () => {
    expect(await repair({ unit_price: '9.9900' })).toMatchObject({ selected: 1, raw: 1, refused: [] });
    await run();
    const good = [1, 2, 3].map((number) => [`t${number}`, 2, '19.9800']);
    expect(await revenue()).toEqual(good);
    expect(await sales()).toMatchObject({ received: 3, raw: 3, clean: 3, refused: 0, isBalanced: true });
    await run(env, { kind: 'replay' });
    expect(await revenue()).toEqual(good);
    expect(await waiting()).toEqual([]);
    expect(await repair({})).toMatchObject({ selected: 0, raw: 0 });
  });

  test('is refused again where nothing was repaired, as another record of the same origin', async () => {
    const [before] = await waiting();
    expect(await redrive(env)({})).toMatchObject({ selected: 1, raw: 1 });
    expect(await waiting()).toEqual([]);
    await run();
    const [after] = await waiting();
    expect(after!.id).not.toBe(before!.id);
    expect(after!.line.origin).toEqual({ ...before!.line.origin, redrive_count: 1 });
    expect(await sales()).toMatchObject({ received: 3, raw: 3, clean: 2, refused: 1, isBalanced: true });
    await repair({ unit_price: '9.9900' });
    await run();
    expect((await revenue()).map(([id]) => id)).toEqual(['t1', 't2', 't3']);
    expect(await sales()).toMatchObject({ received: 3, raw: 3, clean: 3, refused: 0, isBalanced: true });
  });

  test.each([
    ['a value that its contract refuses', { unit_price: 'cheap' }, '/unit_price'],
    ['its origin', { source_line: 4 }, '/source_line'],
    ['the person', { subject_id: 'somebody' }, '/subject_id'],
    ['a column that raw does not have', { note: 'x' }, '/'],
    ['a currency without a rate', { currency: 'EUR' }, '/currency'],
    ['no price at all', { unit_price: null }, '/'],
  ])('stays as it was where the repair gives it %s', async (_, change, path) => {
    const result = await repair(change);
    expect(result).toMatchObject({
      raw: 0,
      refused: [{ reasons: expect.arrayContaining([expect.objectContaining({ path })]) }],
    });
    expect(await waiting()).toHaveLength(1);
  });
});

test('a row that was behind a refused one is judged in its turn', async () => {
  await ingest(sale('t1', { price: '8000' }), sale('t1', { price: '9000' }), sale('t2'));
  await run();
  expect((await revenue()).map(([id]) => id)).toEqual(['t2']);
  expect(await waiting()).toHaveLength(2);
  expect(await sales()).toMatchObject({ raw: 3, clean: 1, refused: 2, isBalanced: true });
  expect((await readQualityReport(env))!.layers[0]).toMatchObject({ passes: 3 });
});

describe('a batch over the threshold of a check', () => {
  const bad = Array.from({ length: 11 }, (_, index) => sale(`bad${index}`, { quantity: '20000' }));
  const good = Array.from({ length: 11 }, (_, index) => sale(`bad${index}`, { quantity: '2' }));

  test('publishes nothing, alerts once, names the check and example origins, and holds no values', async () => {
    await ingest(sale('t1'), ...bad);
    const error = await stopped(run());
    expect(error.message).toContain('clean.transactions quantity_is_plausible (11 of 12)');
    expect(await newestSnapshot(env)).toBeUndefined();
    expect(told).toHaveLength(1);
    expect(told[0]!.text).toContain('clean.transactions quantity_is_plausible (11 of 12)');
    const report = (await readQualityReport(env))!;
    expect(report.outcome).toBe('failed');
    expect(report.checks[0]).toMatchObject({ name: 'quantity_is_plausible', outcome: 'failed', failures: 11 });
    expect(report.checks[0]!.examples).toHaveLength(3);
    expect(JSON.stringify(report)).not.toContain('20000');
    expect(await sales()).toMatchObject({ raw: 12, pending: 1, refused: 11, isBalanced: true });
  });

  test('comes, once repaired, to the totals of data that was good from the start', async () => {
    await ingest(sale('t1'), ...bad);
    await stopped(run());
    expect(await repair({ quantity: 2 })).toMatchObject({ selected: 11, raw: 11 });
    await run();
    const repaired = await revenue();
    const state = await sales();
    platform.close();
    platform = doorPlatform(newDirectory());
    env = watched(platform.env);
    await ingest(sale('t1'), ...good);
    await run();
    expect(repaired).toEqual(await revenue());
    expect(state).toEqual(await sales());
  });
});

describe('a check that cannot run', () => {
  /** The environment with the checks of a table replaced. */
  const withChecks = (table: string, checks: object[]): Environment => ({
    ...env,
    sql: {
      ...env.sql,
      list: (folder) => env.sql.list(folder),
      read: (path) => (path === `models/${table}.checks.json` ? JSON.stringify({ checks }) : env.sql.read(path)),
    },
  });
  const broken = {
    name: 'broken',
    kind: 'sql',
    severity: 'warn',
    why: 'shows what fails',
    select: 'select 1 from gone',
  };
  const sound = { name: 'sound', kind: 'not_null', severity: 'error', why: 'shows what passes', column: 'product_id' };

  test('is errored and stops the run, whatever its severity, while the others are judged', async () => {
    await ingest(sale('t1'));
    const error = await stopped(run(withChecks('clean/transactions', [broken, sound])));
    expect(error.message).toContain('clean.transactions broken could not run');
    expect(await newestSnapshot(env)).toBeUndefined();
    const { checks } = (await readQualityReport(env))!;
    const outcomes = checks.filter(({ table }) => table === 'clean.transactions').map((one) => [one.name, one.outcome]);
    expect(outcomes).toEqual([
      ['broken', 'errored'],
      ['sound', 'passed'],
    ]);
    expect(await readExclusions(env)).toEqual(new Map());
  });

  test('is one that gives no number, too', async () => {
    await ingest(sale('t1'));
    const empty = { ...broken, select: 'select max(quantity) from result where quantity > 100' };
    const error = await stopped(run(withChecks('clean/transactions', [empty])));
    expect(error.message).toContain('clean.transactions broken could not run');
  });

  test('of a curated table stops the publish', async () => {
    await ingest(sale('t1'));
    const { message } = await stopped(run(withChecks('curated/fact_sales', [{ ...sound, column: 'subject_id' }])));
    expect(message).toBe('curated gate: curated.fact_sales sound (1 of 1)');
    expect(await newestSnapshot(env)).toBeUndefined();
  });

  test('that is stricter than the one before tells of what is published, and refuses none of it', async () => {
    await ingest(sale('t1'), sale('t2', { price: '4000' }));
    await run();
    await ingest(sale('t3'));
    const strict = {
      name: 'cheap',
      kind: 'range',
      severity: 'error',
      why: 'stricter than before',
      column: 'unit_price',
      max: 100,
    };
    await run(withChecks('clean/transactions', [strict]));
    expect((await revenue()).map(([id]) => id)).toEqual(['t1', 't2', 't3']);
    const check = (await readQualityReport(env))!.checks.find(({ name }) => name === 'cheap');
    expect(check).toMatchObject({
      outcome: 'warned',
      failures: 1,
      refused: 0,
      note: expect.stringContaining('c360 replay'),
    });
  });
});

test('rows are excluded only behind a judgement', async () => {
  const excluding = excludeRows(env)({ runId: '20260301T000000Z-none' });
  await expect(excluding).rejects.toThrow('run 20260301T000000Z-none has no judgement of its clean layer yet');
});

describe('an exclusion that is cut off between any two calls', () => {
  /** Makes and judges the clean layer, as the run that is then cut off. */
  const judged = async (runId: string) => {
    const inputs = await findNewInputs(env)(runId, undefined);
    await runModels(env)(await planCleanLayer(env)(inputs, undefined));
    return judgeQuality(env)({ runId, layer: 'clean' });
  };

  test('comes to the same end when it is done again, and when another run takes up what is new', async () => {
    let cuts = 0;
    for (let at = 0; ; at += 1) {
      platform.close();
      platform = doorPlatform(newDirectory());
      env = watched(platform.env);
      await ingest(sale('t1'), sale('t2', { price: '9990' }));
      expect(await judged('20260301T000000Z-cut')).toMatchObject({ verdict: 'refused' });
      const failing = failingAt(env, at, at % 2 === 0 ? 'before' : 'after');
      const outcome = await excludeRows({ ...env, ...failing.env, sql: env.sql })({
        runId: '20260301T000000Z-cut',
      }).catch((error: unknown) => error);
      if (!(outcome instanceof PlantedFailure)) break;
      cuts += 1;
      if (cuts % 3 === 0)
        expect(await excludeRows(env)({ runId: '20260301T000000Z-cut' })).toEqual({ pass: 1, rows: 1 });
      await run();
      expect(await waiting()).toHaveLength(1);
      expect(await sales()).toMatchObject({ raw: 2, clean: 1, refused: 1, isBalanced: true });
    }
    expect(cuts).toBeGreaterThan(5);
  }, 300_000);
});

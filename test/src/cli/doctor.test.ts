/** The doctor names what is wrong with a data directory and what to do, and finds nothing wrong with a healthy one. */
import { chmodSync, rmSync } from 'node:fs';
import { examineData } from '../../../src/cli/doctor-data.ts';
import type { Finding } from '../../../src/cli/doctor-finding.ts';
import { examineInstallation } from '../../../src/cli/doctor-installation.ts';
import { dayOf, quarantineEnd } from '../../../src/domain/privacy/quarantine-day.ts';
import { archiveEvents } from '../../../src/flows/archive-events.ts';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { pipelineTasks } from '../../../src/flows/pipeline-tasks.ts';
import { quarantineId } from '../../../src/flows/quarantine.ts';
import { redrive } from '../../../src/flows/redrive.ts';
import { runPipeline } from '../../../src/local/run-pipeline.ts';
import type { Environment } from '../../../src/ports.ts';
import { c360 } from '../../support/c360.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { loadingBy } from '../../support/warehouse-over.ts';

const newDirectory = temporaryDirectories();

let platform: DoorPlatform;
beforeEach(async () => {
  platform = doorPlatform(newDirectory());
  const data = Buffer.from('{"type":');
  const arrivedAt = platform.clock.now();
  const record = { shard: 'shardId-000000000000', sequence: '1', partitionKey: 'key', arrivedAt, data };
  await archiveEvents(platform.env)([record]);
});
afterEach(() => platform.close());

const examine = (): Promise<Finding[]> =>
  examineData({ dataDir: platform.paths.dataDir, format: 'table' }, platform.paths);
const wrong = async () =>
  (await examine()).filter(({ state }) => state === 'wrong').map(({ check, todo }) => `${check}: ${todo}`);

const products = 'product_id,name,category,brand,price,cost\np1,Tea,drinks,Acme,1,1\n';

/** The environment in which the hot store's `at`-th write fails. */
function withFailingWrite(at: number): Environment {
  let writes = 0;
  const { hot } = platform.env;
  const write: typeof hot.write = (items) => {
    writes += 1;
    return writes === at ? Promise.reject(new Error('planted')) : hot.write(items);
  };
  return { ...platform.env, hot: { get: hot.get.bind(hot), query: hot.query.bind(hot), write } };
}

const faults: [what: string, plant: () => Promise<unknown>, finding: RegExp][] = [
  ['a file that was not ingested', () => platform.land('products', products), /^landing: upload the same file again/],
  [
    'an ingest that was cut off',
    async () => ingestBatch(withFailingWrite(2))(await platform.land('products', products)).catch(() => {}),
    /^ingest: upload the same file again/m,
  ],
  [
    'a batch in the on-failure store',
    () => platform.env.objects.put('failed/archive-events/dt=2026-03-01/x.json', Buffer.from('{}')),
    /^on-failure store: c360 redrive --failures$/,
  ],
  [
    'a redrive that was cut off',
    async () => {
      await redrive(withFailingWrite(2))({ repaired: new Map([[await firstId(), login]]) }).catch(() => {});
    },
    /^redrive: c360 redrive finishes it/m,
  ],
  [
    'a run that failed',
    async () => {
      await ingestBatch(platform.env)(await platform.land('products', products));
      const engine = { execute: () => Promise.reject(new Error('planted')) };
      await runPipeline({ ...platform.env, engine }).catch(() => {});
    },
    /^last run: c360 run takes up what is missing$/,
  ],
  [
    'a run that was killed',
    () => pipelineTasks['plan-run'](platform.env)({ execution: 'killed', input: {} }),
    /^last run: c360 run takes up what is missing$/,
  ],
  [
    'a warehouse behind its snapshot',
    async () => {
      await ingestBatch(platform.env)(await platform.land('products', products));
      const warehouse = loadingBy(platform.env.warehouse, () => Promise.reject(new Error('planted')));
      await runPipeline({ ...platform.env, warehouse }).catch(() => {});
    },
    /^warehouse: c360 run loads it$/m,
  ],
  [
    'records that were lost',
    () => platform.env.hot.write([{ table: 'batches', put: { partition: 'events', sort: 'lost', values: lost } }]),
    /^conservation: finish what is unfinished above/,
  ],
  [
    'a key that others may read',
    async () => chmodSync(`${platform.paths.keyDir}/root.key`, 0o644),
    /^keys: chmod 700 .* && chmod 600 .*root\.key$/,
  ],
  [
    'a key that is gone',
    async () => rmSync(`${platform.paths.keyDir}/root.key`),
    /^keys: restore the key directory from its backup/,
  ],
];

const lost = { received: 1, raw: 0, quarantined: 0, suppressed: 0, unknownFields: 0 };
const login = {
  eventId: '11111111-1111-4111-8111-111111111111',
  type: 'login',
  timestamp: '2026-01-01T10:00:00Z',
  payload: { userId: 'c1' },
};
const firstId = async () => {
  const [line] = await platform.quarantine('events');
  return quarantineId('events', line!.origin);
};

test.each(faults)('%s is found, with what to do', async (_, plant, finding) => {
  expect(await wrong()).toEqual([]);
  await plant();
  platform.close();
  expect((await wrong()).join('\n')).toMatch(finding);
});

test('what a writing process has begun is a note', async () => {
  await platform.land('products', products);
  const landing = async () => (await examine()).find(({ check }) => check === 'landing')?.state;
  expect(await landing()).toBe('note');
  platform.close();
  expect(await landing()).toBe('wrong');
});

test('what is installed here is enough', async () => {
  const findings = await examineInstallation(platform.paths.dataDir);
  expect(findings.filter(({ state }) => state === 'wrong')).toEqual([]);
  expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(['Node.js', 'DuckDB', 'disk']));
});

test('the command ends with 1 only where something is wrong', async () => {
  const doctor = () => c360(['doctor', '--data-dir', platform.paths.dataDir, '--format', 'json']);
  const healthy = await doctor();
  expect([healthy.code, JSON.parse(healthy.stdout)]).toMatchObject([0, { isHealthy: true }]);
  rmSync(`${platform.paths.keyDir}/root.key`);
  const ill = await doctor();
  expect([ill.code, JSON.parse(ill.stdout)]).toMatchObject([1, { isHealthy: false }]);
});

test('what waits in quarantine is told with the day until which it can be repaired', async () => {
  platform.close();
  platform = doorPlatform(newDirectory(), new Date().toISOString());
  const arrivedAt = platform.clock.now();
  const record = {
    shard: 'shardId-000000000000',
    sequence: '1',
    partitionKey: 'key',
    arrivedAt,
    data: Buffer.from('{'),
  };
  await archiveEvents(platform.env)([record]);
  const { found } = (await examine()).find(({ check }) => check === 'quarantine')!;
  const until = quarantineEnd(dayOf(arrivedAt)).toISOString().slice(0, 10);
  expect(found).toBe(`1 records wait, the first until ${until}`);
});

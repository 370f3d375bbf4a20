/** The vacuum beside runs that go on, as on AWS: what it keeps, what it reads, and that one that was cut off is gone on with. */
import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { snapshotKey } from '../../../src/domain/lake/layout.ts';
import { vacuumBesideRuns } from '../../../src/flows/vacuum.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const fileOf = (run: string, table = 'clean/events') => `${table}/run=${run}/dt=2026-02-01/part-0.parquet`;

/** An object that was written so many hours ago. */
async function put(key: string, hoursAgo: number, content = 'four'): Promise<void> {
  const { objects } = platform.env;
  await objects.put(key, Buffer.from(content));
  const writtenAt = new Date(platform.clock.now().getTime() - hoursAgo * 3_600_000);
  utimesSync(objects.uri(key), writtenAt, writtenAt);
}

/** A snapshot of that age that names two files, which are as old, and its run's plan. */
async function publish(number: number, hoursAgo: number): Promise<void> {
  const runId = `r${number}`;
  const [clean, curated] = [fileOf(runId), fileOf(runId, 'curated/fact_event')];
  const tables = { 'clean.events': [{ key: clean }], 'curated.fact_event': [{ key: curated }] };
  for (const key of [clean, curated, `plans/${runId}/inputs.json`]) await put(key, hoursAgo);
  await put(snapshotKey(number), hoursAgo, JSON.stringify({ number, runId, tables }));
}

/** The vacuum, whose store writes down what is read and how much is deleted at a time, and may be cut off there. */
function watched(isCutOff = (_keys: string[]) => false) {
  const calls: string[] = [];
  const objects = new Proxy(platform.env.objects, {
    get(target, name) {
      if (name === 'list') return target.list.bind(target);
      if (name === 'get') {
        return (key: string) => {
          calls.push(`read ${key}`);
          return target.get(key);
        };
      }
      return async (keys: string[]) => {
        if (name !== 'delete') throw new Error(`a vacuum has no use of ${String(name)}`);
        calls.push(`delete ${keys.length}`);
        if (isCutOff(keys)) throw new Error('its time is over');
        await target.delete(keys);
      };
    },
  });
  return { calls, vacuum: vacuumBesideRuns({ ...platform.env, objects }) };
}

test('keeps the newest, what readers saw within the last day, files of the last day, and plans', async () => {
  await publish(1, 24 * 9);
  await publish(2, 24 * 8);
  await publish(3, 24 * 7);
  await publish(4, 20);
  await publish(5, 2);
  await put(fileOf('killed'), 25);
  await put(fileOf('going-on'), 11);
  await put('raw/events/dt=2026-01-01/hour=00/a.jsonl.gz', 24 * 30);
  const before = await platform.keys('');
  const { calls, vacuum } = watched();

  const would = await vacuum({ keep: 1, isDryRun: true });
  expect(await platform.keys('')).toEqual(before);
  calls.length = 0;
  expect(await vacuum({ keep: 1 })).toEqual(would);
  expect(would).toEqual({ snapshots: [1, 2], files: 5, bytes: 20 });
  const gone = [...[1, 2].flatMap((n) => [fileOf(`r${n}`), fileOf(`r${n}`, 'curated/fact_event'), snapshotKey(n)])];
  expect(await platform.keys('')).toEqual(before.filter((key) => ![...gone, fileOf('killed')].includes(key)));
  // Of snapshots that go, nothing is read: there may be thousands.
  expect(calls).toEqual([...[3, 4, 5].map((n) => `read ${snapshotKey(n)}`), 'delete 2', 'delete 3', 'delete 2']);
  expect(await vacuum({ keep: 1 })).toEqual({ snapshots: [], files: 0, bytes: 0 });
});

test('deletes a thousand at a time while it lists, and the next call goes on where one was cut off', async () => {
  await publish(1, 48);
  const first = 'clean/events/run=r0/dt=2026-02-01/part-0.parquet';
  await put(first, 48);
  const [uri, writtenAt] = [platform.env.objects.uri(first), statSync(platform.env.objects.uri(first)).mtime];
  for (let part = 1; part < 2100; part += 1) {
    const path = uri.replace('part-0', `part-${part}`);
    writeFileSync(path, 'four');
    utimesSync(path, writtenAt, writtenAt);
  }
  const cutOff = watched((keys) => keys.length < 1000);
  await expect(cutOff.vacuum({ keep: 10 })).rejects.toThrow('its time is over');
  const deletes = (calls: string[]) => calls.filter((call) => call.startsWith('delete'));
  expect(deletes(cutOff.calls)).toEqual(['delete 1000', 'delete 1000', 'delete 100']);
  const next = watched();
  expect(await next.vacuum({ keep: 10 })).toMatchObject({ files: 100, bytes: 400 });
  expect(deletes(next.calls)).toEqual(['delete 100']);
  expect(await platform.keys('clean/')).toEqual([fileOf('r1')]);
});

/** An ingest that ends before its file does is taken up where it ended, and comes to the same end as one that did not. */
import fc from 'fast-check';
import { type IngestedFile, ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { readStatus } from '../../../src/flows/status.ts';
import type { Environment, ObjectStore } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform, PlantedFailure } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { purchaseMapping, purchasesOf } from '../../support/purchases.ts';

const newDirectory = temporaryDirectories();
const inTwos = { rowsPerObject: 2 };

/** Identical rows are told apart by their occurrence in the file. */
const mapping = purchaseMapping;

/** Few different rows, so that most occur again behind a cut; guests, refused rows and rows over two lines among them. */
const row = fc.constantFrom(
  '0001,19970101,1.50',
  '0002,19970101,1.50',
  ',19970101,1.50',
  'broken',
  '0001,nonsense,1.50',
  '"0001","19970101","1.50\n"',
);

const counted = (calls: { resolve: number }, env: Environment): Environment => ({
  ...env,
  vault: new Proxy(env.vault, {
    get: (vault, name) => {
      const member: unknown = Reflect.get(vault, name, vault);
      if (name === 'resolve') calls.resolve += 1;
      return typeof member === 'function' ? member.bind(vault) : member;
    },
  }),
});

/** Everything that is kept of the file, but for the sealed text, whose keys are random by platform. */
async function kept({ keys, raw, quarantine, env }: DoorPlatform) {
  const refused = (await quarantine('transactions')).map(({ bodySealed: _, ...line }) => line);
  const { datasets } = await readStatus(env)();
  return { keys: await keys(''), lines: await raw('transactions'), refused, datasets };
}

/** Ingests in as many calls as it takes, the n-th of which has time for `batches[n]` batches, and the further ones for one. */
async function inCalls(platform: DoorPlatform, content: string, batches: number[]): Promise<IngestedFile[]> {
  const file = { ...(await platform.land('transactions', content)), mapping };
  const calls: IngestedFile[] = [];
  do {
    let left = batches[calls.length] ?? 1;
    const isTimeUp = () => {
      left -= 1;
      return left <= 0;
    };
    calls.push(await ingestBatch(platform.env, inTwos)(file, { isTimeUp }));
    platform.clock.advance(15);
  } while (!calls.at(-1)!.isFinished);
  return calls;
}

test('in however many calls, wherever they are cut: the same rows, ids, counts and refusals', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 14 }),
      fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 8 }),
      async (rows, batches) => {
        const [whole, cut] = [doorPlatform(newDirectory()), doorPlatform(newDirectory())];
        try {
          const content = purchasesOf(rows);
          const [expected] = await inCalls(whole, content, [99]);
          const calls = await inCalls(cut, content, batches);
          expect(calls.at(-1)).toEqual(expected);
          expect(await kept(cut)).toEqual(await kept(whole));
          expect(await cut.keys('landing/')).toEqual([]);
        } finally {
          whole.close();
          cut.close();
        }
      },
    ),
    { numRuns: 20 },
  );
});

describe('a call for which time is short', () => {
  let platform: DoorPlatform;
  beforeEach(() => {
    platform = doorPlatform(newDirectory());
  });
  afterEach(() => platform.close());

  const content = purchasesOf([1, 2, 3, 4, 5].map((customer) => `${customer},19970101,1.50`));

  test('brings one batch in, says that it is not finished, and leaves the file in landing', async () => {
    const file = { ...(await platform.land('transactions', content)), mapping };
    const first = await ingestBatch(platform.env, inTwos)(file, { isTimeUp: () => true });
    expect(first).toMatchObject({ isFinished: false, isKnown: false, received: 2, raw: 2 });
    expect(await platform.keys('landing/')).toEqual([file.key]);
    expect(await readStatus(platform.env)()).toMatchObject({ unfinishedFiles: 1 });
  });

  test('asks the vault for none of the rows that an earlier call brought in', async () => {
    const calls = { resolve: 0 };
    const file = { ...(await platform.land('transactions', content)), mapping };
    const found: number[] = [];
    for (let isFinished = false; !isFinished; ) {
      ({ isFinished } = await ingestBatch(counted(calls, platform.env), inTwos)(file, { isTimeUp: () => true }));
      found.push(calls.resolve);
    }
    expect(found).toEqual([1, 2, 3, 3]);
  });

  test('keeps the place of a person who is erased before the next: the rows behind it are suppressed', async () => {
    const rows = ['1,19970101,1.50', '2,19970101,1.50', '1,19970101,1.50', '2,19970101,1.50'];
    const file = { ...(await platform.land('transactions', purchasesOf(rows))), mapping };
    await ingestBatch(platform.env, inTwos)(file, { isTimeUp: () => true });
    await platform.erase({ namespace: 'user', id: '1' });
    const last = await ingestBatch(platform.env, inTwos)(file);
    expect(last).toMatchObject({ isFinished: true, received: 4, raw: 3, suppressed: 1 });
    const ids = (await platform.raw('transactions')).map((line) => String(line.transaction_id).slice(32));
    expect(ids).toEqual(['-1', '-1', '-2']);
  });

  test('is no other for an upload that was cut off by a failure: what it had brought in is not brought in again', async () => {
    const file = { ...(await platform.land('transactions', content)), mapping };
    const progress: number[] = [];
    const onProgress = (rows: number) => {
      progress.push(rows);
      if (rows === 4) throw new PlantedFailure();
    };
    await expect(ingestBatch(platform.env, inTwos)(file, { onProgress })).rejects.toThrow(PlantedFailure);
    const calls = { resolve: 0 };
    expect(await ingestBatch(counted(calls, platform.env), inTwos)(file)).toMatchObject({ received: 5, raw: 5 });
    expect([progress, calls.resolve]).toEqual([[2, 4], 1]);
  });
});

describe('a landing file that is replaced while it is read', () => {
  const description = 'x'.repeat(10_000);
  const rows = (price: number, count: number) => {
    const lines = Array.from({ length: count }, (_, index) => `p${index},Tea,drinks,Acme,${price},1,${description}`);
    return ['product_id,name,category,brand,price,cost,description', ...lines, ''].join('\n');
  };

  test.each([
    ['by another of the same length', rows(2, 300)],
    ['by a shorter one', rows(1, 200)],
    ['by a longer one', rows(1, 301)],
  ])('%s is refused, and no row of the other one is brought in under its name', async (_, other) => {
    const platform = doorPlatform(newDirectory());
    try {
      const file = await platform.land('products', rows(1, 300));
      const env = { ...platform.env, objects: replacingAtOpen(platform.env.objects, 3, other) };
      await expect(ingestBatch(env, { rowsPerObject: 50 })(file)).rejects.toThrow(
        expect.objectContaining({ name: 'RefusedInput', message: expect.stringMatching(/^the file changed while it/) }),
      );
      const lines = await platform.raw('products');
      expect(lines.every(({ price }) => price === '1.0000')).toBe(true);
      expect(lines.length).toBeLessThan(300);
      // The other one is a file of its own.
      expect(await ingestBatch(platform.env)(file)).toMatchObject({
        isKnown: false,
        raw: other.split('\n').length - 2,
      });
    } finally {
      platform.close();
    }
  });

  /** The objects, each of which is another from the n-th time on that one is opened: the third is behind the survey. */
  function replacingAtOpen(objects: ObjectStore, nth: number, content: string): ObjectStore {
    let opened = 0;
    return new Proxy(objects, {
      get: (store, name) => {
        const member: unknown = Reflect.get(store, name, store);
        if (name !== 'open') return typeof member === 'function' ? member.bind(store) : member;
        return async function* open(key: string) {
          opened += 1;
          if (opened === nth) await store.put(key, Buffer.from(content));
          yield* store.open(key);
        };
      },
    });
  }
});

/** What every ObjectStore promises. */
import { createHash, type Hash } from 'node:crypto';
import fc from 'fast-check';
import { AdapterError, type ObjectStore, type StoredObject } from '../../src/ports.ts';
import { collect } from '../support/collect.ts';

interface Made {
  store: ObjectStore;
  /** Puts an object of one byte at each of many keys, by a shorter way than the store's. */
  plant(keys: string[]): Promise<void>;
  close(): Promise<void> | void;
}

export function objectStoreContract(name: string, make: () => Promise<Made>): void {
  describe(`object store contract: ${name}`, () => {
    let store: ObjectStore;
    let plant: Made['plant'];
    let close: Made['close'];

    beforeEach(async () => {
      ({ store, plant, close } = await make());
    });
    afterEach(() => close());

    test('gives back the bytes that were put, and undefined where nothing was', async () => {
      await store.put('raw/a.bin', bytes(0, 255, 10));
      await store.put('raw/empty', bytes());
      expect([...(await store.get('raw/a.bin'))!]).toEqual([0, 255, 10]);
      expect([...(await store.get('raw/empty'))!]).toEqual([]);
      expect(await store.get('raw/b.bin')).toBeUndefined();
      expect(await store.get('raw')).toBeUndefined();
    });

    test('replaces an object by a put', async () => {
      await store.put('a', bytes(1, 2, 3));
      await store.put('a', bytes(4));
      expect([...(await store.get('a'))!]).toEqual([4]);
    });

    test('takes a body in pieces and gives it back in pieces', async () => {
      await store.put('large', pieces(200, 10_000));
      const parts: Uint8Array[] = [];
      for await (const part of store.open('large')) parts.push(part);
      expect(parts.length).toBeGreaterThan(1);
      expect(Buffer.concat(parts).equals(await joined(pieces(200, 10_000)))).toBe(true);
    });

    test('refuses to open what does not exist', async () => {
      await expect(joined(store.open('nothing'))).rejects.toThrow(AdapterError);
    });

    test('keeps the old object, and no part of the new, when a body breaks off', async () => {
      await store.put('a', bytes(1));
      await expect(store.put('a', brokenOff())).rejects.toThrow('source failed');
      await expect(store.put('b', brokenOff())).rejects.toThrow('source failed');
      expect([...(await store.get('a'))!]).toEqual([1]);
      expect(await keys(store.list(''))).toEqual(['a']);
    });

    test('shows a reader one put or another, never a mixture', async () => {
      const body = (value: number) => new Uint8Array(300_000).fill(value);
      await store.put('a', body(0));
      const puts = Array.from({ length: 10 }, (_, value) => store.put('a', body(value)));
      const reads = Array.from({ length: 10 }, () => store.get('a'));
      for (const read of await Promise.all(reads)) {
        expect([read?.length, new Set(read).size]).toEqual([300_000, 1]);
      }
      await Promise.all(puts);
    });

    test('puts if absent once: of several writers one wins', async () => {
      const won = await Promise.all(
        Array.from({ length: 8 }, (_, writer) => store.putIfAbsent('snapshots/1', bytes(writer))),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect([...(await store.get('snapshots/1'))!]).toEqual([won.indexOf(true)]);
      expect(await store.putIfAbsent('snapshots/1', bytes(99))).toBe(false);
      expect([...(await store.get('snapshots/1'))!]).toEqual([won.indexOf(true)]);
    });

    test('deletes what exists and takes no offence at what does not', async () => {
      await store.put('x/a', bytes(1));
      await store.put('x/b', bytes(1));
      await store.delete(['x/a', 'x/never', 'y/never']);
      await store.delete([]);
      expect(await keys(store.list(''))).toEqual(['x/b']);
      expect(await store.putIfAbsent('x/a', bytes(2))).toBe(true);
    });

    test('lists size and time', async () => {
      await store.put('a', bytes(1, 2, 3));
      const [object] = await collect(store.list('a'));
      expect(object).toMatchObject({ key: 'a', bytes: 3 });
      expect(object!.modifiedAt.getUTCFullYear()).toBeGreaterThan(2000);
    });

    test('lists in byte order of the whole key, where - and . come before / and letters behind', async () => {
      const sorted = ['a!/x', 'a-b', 'a.b', 'a/b', 'a/c/d', 'a0', 'ab', 'b', 'é', '！', '😀'];
      for (const key of sorted.toReversed()) await store.put(key, bytes(1));
      expect(await keys(store.list(''))).toEqual(sorted);
    });

    test('lists 10,000 objects in order, from any key on, and deletes thousands at once', async () => {
      const all = Array.from({ length: 10_000 }, (_, index) => `raw/events/${String(index).padStart(5, '0')}.gz`);
      await plant(all);
      await store.put('raw/other', bytes(1));
      expect(await keys(store.list('raw/events/'))).toEqual(all);
      expect(await keys(store.list('raw/events/', all[3_333]))).toEqual(all.slice(3_334));
      expect(await keys(first(3, store.list('raw/events/', all[2_000])))).toEqual(all.slice(2_001, 2_004));
      await store.delete(all.slice(0, 7_500));
      expect(await keys(store.list(''))).toEqual([...all.slice(7_500), 'raw/other']);
    });

    test('takes an object of 50 MB in pieces and gives it back in pieces', async () => {
      const hashes = [createHash('sha256'), createHash('sha256')] as const;
      const written = hashed(hashes[0], pieces(50, 1_000_000));
      await store.put('large', written);
      expect((await collect(store.list('large')))[0]).toMatchObject({ key: 'large', bytes: 50_000_000 });
      let largestPiece = 0;
      for await (const piece of hashed(hashes[1], store.open('large'))) {
        largestPiece = Math.max(largestPiece, piece.length);
      }
      expect(largestPiece).toBeLessThan(2_000_000);
      expect(hashes[1].digest('hex')).toBe(hashes[0].digest('hex'));
      expect(await store.get('large')).toHaveLength(50_000_000);
    });

    test('takes a body of no pieces, and one of empty pieces', async () => {
      await store.put('none', pieces(0, 0));
      await store.put('empty', pieces(3, 0));
      expect(await collect(store.list(''))).toMatchObject([
        { key: 'empty', bytes: 0 },
        { key: 'none', bytes: 0 },
      ]);
    });

    test('keeps the old object, and no part of the new, when a body of many parts breaks off', async () => {
      await store.put('a', bytes(1));
      await expect(store.put('a', brokenOff(20))).rejects.toThrow('source failed');
      expect([...(await store.get('a'))!]).toEqual([1]);
    });

    test.each([
      ...['', '/a', 'a/', 'a//b', '..', '../a', 'a/../../b', './a', 'a\\b', 'a\0b', 'a\nb', '.tmp/a', '\ud800'],
      ...['x'.repeat(256), `${'x/'.repeat(512)}x`],
    ])('refuses the key %j, whatever is done with it', async (key) => {
      const attempts = [
        () => store.get(key),
        () => store.put(key, bytes(1)),
        () => store.put(key, pieces(1, 1)),
        () => store.putIfAbsent(key, bytes(1)),
        () => store.delete(['a', key]),
        async () => store.uri(key),
        () => collect(store.open(key)),
      ];
      await store.put('a', bytes(1));
      for (const attempt of attempts) await expect(attempt()).rejects.toThrow(AdapterError);
      expect(await keys(store.list(''))).toEqual(['a']);
    });

    test('takes keys of 1,024 bytes, with spaces, quotes, marks of URLs and XML', async () => {
      const long = `${`${'x'.repeat(200)}/`.repeat(5)}${'x'.repeat(10)}`;
      const odd = ['a b', 'a%20b', 'a+b', "a'b", 'a"b', 'a&amp;b', 'a<b>', 'a=1;b', 'a?x=y#z', long];
      for (const key of odd) expect(await store.putIfAbsent(key, Buffer.from(key))).toBe(true);
      for (const key of odd) expect(Buffer.from((await store.get(key))!).toString()).toBe(key);
      expect((await keys(store.list(''))).toSorted()).toEqual(odd.toSorted());
      await store.delete(odd);
      expect(await keys(store.list(''))).toEqual([]);
    });

    test('lists by prefix behind a key as a sorted array would, whatever the keys', async () => {
      await fc.assert(
        fc.asyncProperty(storedKeys, parts, parts, async (stored, prefixPart, afterPart) => {
          const made = await make();
          for (const key of stored) await made.store.put(key, bytes(1));
          const [prefix, after] = [prefixPart(stored), afterPart(stored)];
          const expected = stored.filter((key) => key.startsWith(prefix) && compareBytes(key, after) > 0);
          expect(await keys(made.store.list(prefix, after))).toEqual(expected.sort(compareBytes));
          await made.close();
        }),
        { numRuns: 40 },
      );
    });
  });
}

/** Segments in whose order bytes, UTF-16 units and folders differ. No folder is named like an object. */
const segments = fc.constantFrom('a', 'a-b', 'a.', 'a0', 'A', 'dt=2024-01-01', 'é', '！', '😀');
const objectKeys = fc
  .tuple(fc.array(segments, { maxLength: 2 }), segments)
  .map(([folders, object]) => [...folders, `${object}.o`].join('/'));
const storedKeys = fc.uniqueArray(objectKeys, { minLength: 1, maxLength: 15 });
/** The beginning of one of the stored keys, or the whole of it. */
const parts = fc.tuple(fc.nat(), fc.nat(20)).map(([choice, length]) => (stored: string[]) => {
  return [...stored[choice % stored.length]!].slice(0, length).join('');
});

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

async function* pieces(count: number, size: number): AsyncIterable<Uint8Array> {
  for (let piece = 0; piece < count; piece += 1) yield new Uint8Array(size).fill(piece);
}

async function* brokenOff(mebibytes = 0): AsyncIterable<Uint8Array> {
  yield bytes(7, 7, 7);
  yield* pieces(mebibytes, 1024 * 1024);
  throw new Error('source failed');
}

async function* first<T>(count: number, items: AsyncIterable<T>): AsyncIterable<T> {
  let given = 0;
  for await (const item of items) {
    yield item;
    given += 1;
    if (given === count) return;
  }
}

async function* hashed(hash: Hash, body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const piece of body) {
    hash.update(piece);
    yield piece;
  }
}

async function joined(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await collect(body));
}

async function keys(objects: AsyncIterable<StoredObject>): Promise<string[]> {
  return (await collect(objects)).map((object) => object.key);
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

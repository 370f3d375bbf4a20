/** How a file of a person's own comes to landing, and what is seen of it meanwhile. */
import { stripVTControlCharacters } from 'node:util';
import { produceAndArchive } from '../../../src/cli/produce.ts';
import { upload } from '../../../src/cli/upload.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
const { isTTY, write } = process.stderr;

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => {
  Object.assign(process.stderr, { isTTY, write });
  platform.close();
});

async function* bytesOf(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text);
}

const products = (count: number) =>
  `product_id,name,category,brand,price,cost\n${'p1,Tea,drinks,Acme,1.50,1\n'.repeat(count)}`;

test.each([
  ['grew', products(3)],
  ['was cut', products(1)],
  ['became another', products(2).replace('Tea', 'Cup')],
])('a file that %s between two readings is refused, and nothing of it is kept', async (_, later) => {
  let times = 0;
  const open = () => {
    times += 1;
    return bytesOf(times === 1 ? products(2) : later);
  };
  await expect(upload(platform.env, { dataset: 'products', open })).rejects.toThrow(
    expect.objectContaining({ name: 'RefusedInput', message: expect.stringMatching(/the file changed while it was/) }),
  );
  expect(await platform.keys('')).toEqual([]);
});

describe('on a terminal', () => {
  /** What the work writes to stderr. */
  async function seen(work: () => Promise<unknown>): Promise<string> {
    let text = '';
    const record = (chunk: unknown) => {
      text += String(chunk);
      return true;
    };
    Object.assign(process.stderr, { isTTY: true, write: record });
    await work();
    Object.assign(process.stderr, { isTTY, write });
    return text;
  }

  test('an upload shows how many of its bytes are done, and then the line is clear', async () => {
    const content = products(2000);
    const text = await seen(() => upload(platform.env, { dataset: 'products', open: () => bytesOf(content) }));
    expect(stripVTControlCharacters(text)).toContain('100 % │ 52.0 kB of 52.0 kB');
    expect(text.endsWith('\u001b[2K')).toBe(true);
  });

  test('events show how many bytes of their file are in the stream, and then how many of them are archived', async () => {
    const lines = ['{"a":1}', '{"a":2}'].map((line) => Buffer.from(line));
    const text = await seen(() => produceAndArchive(platform.env, { sha256: 'source', bytes: 16, lines }));
    expect(stripVTControlCharacters(text)).toMatch(
      /events → stream .*100 % │ 16 B of 16 B.*stream → lake .*2 of 2 events/,
    );
    expect(text.endsWith('\u001b[2K')).toBe(true);
  });
});

import { chmodSync, existsSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { KeyDirectory } from '../../../../src/adapters/local/key-directory.ts';
import { AdapterError } from '../../../../src/ports.ts';
import { raceProcesses, temporaryDirectories } from '../../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('a key directory', () => {
  test('is made with mode 700, its key file with mode 600', () => {
    const directory = join(newDirectory(), 'new/keys');
    new KeyDirectory(directory, { protects: [] });
    expect([modeOf(directory), modeOf(join(directory, 'root.key'))]).toEqual(['700', '600']);
    expect(statSync(join(directory, 'root.key')).size).toBe(32);
  });

  test('gives the same key for a purpose at every start, and another for another purpose or directory', () => {
    const [one, two] = [join(newDirectory(), 'keys'), join(newDirectory(), 'keys')];
    const derive = (directory: string, purpose: string) =>
      Buffer.from(new KeyDirectory(directory, { protects: [] }).derive(purpose)).toString('hex');
    expect(derive(one, 'stream')).toMatch(/^[0-9a-f]{64}$/);
    expect(derive(one, 'stream')).toBe(derive(one, 'stream'));
    expect(new Set([derive(one, 'stream'), derive(one, 'other'), derive(two, 'stream')]).size).toBe(3);
  });

  test('unwraps what it wrapped, under the same name only, and says whose key is needed', () => {
    const [ours, others] = [join(newDirectory(), 'keys'), join(newDirectory(), 'keys')];
    const keys = new KeyDirectory(ours, { protects: [] });
    const wrapped = keys.wrap(new Uint8Array(32).fill(7), 'vault key 1');
    expect([...keys.unwrap(wrapped, 'vault key 1')]).toEqual(new Array(32).fill(7));
    expect(() => keys.unwrap(wrapped, 'vault key 2')).toThrow(AdapterError);
    expect(() => new KeyDirectory(others, { protects: [] }).unwrap(wrapped, 'vault key 1')).toThrow(
      `the vault key 1 was not wrapped under the root key in ${others}: restore the key directory that belongs to this data`,
    );
  });

  test('is never made anew beside data that the lost key protects, and says what to do', () => {
    const root = newDirectory();
    const protects = [join(root, 'vault.db'), join(root, 'stream.db')];
    new KeyDirectory(join(root, 'keys'), { protects });
    writeFileSync(protects[1]!, 'sealed');
    expect(() => new KeyDirectory(join(root, 'keys'), { protects })).not.toThrow();
    rmSync(join(root, 'keys'), { recursive: true });
    expect(() => new KeyDirectory(join(root, 'keys'), { protects })).toThrow(
      /root\.key is missing, and .*stream\.db cannot be read without it: name the key directory .*--key-dir, or restore it/,
    );
    expect(existsSync(join(root, 'keys'))).toBe(false);
  });

  test.each`
    path          | mode     | way
    ${'root.key'} | ${0o640} | ${/root\.key has mode 640, so that others may read it: run chmod 600 .*root\.key/}
    ${'root.key'} | ${0o604} | ${/has mode 604/}
    ${''}         | ${0o755} | ${/keys has mode 755, so that others may read it: run chmod 700 .*keys/}
  `('refuses mode $mode of keys/$path and names the way out', ({ path, mode, way }) => {
    const directory = join(newDirectory(), 'keys');
    new KeyDirectory(directory, { protects: [] });
    chmodSync(join(directory, path), mode);
    expect(() => new KeyDirectory(directory, { protects: [] })).toThrow(way);
  });

  test('puts no key into a directory that others may read', () => {
    const directory = join(newDirectory(), 'keys');
    mkdirSync(directory, { mode: 0o755 });
    expect(() => new KeyDirectory(directory, { protects: [] })).toThrow(/chmod 700/);
    expect(existsSync(join(directory, 'root.key'))).toBe(false);
  });

  test('refuses a key file that was cut short', () => {
    const directory = join(newDirectory(), 'keys');
    new KeyDirectory(directory, { protects: [] });
    truncateSync(join(directory, 'root.key'), 31);
    expect(() => new KeyDirectory(directory, { protects: [] })).toThrow(/must hold 32 bytes, got 31/);
  });

  test('is one and the same for processes that make it at once', async () => {
    const directory = join(newDirectory(), 'keys');
    const module = pathToFileURL(join(import.meta.dirname, '../../../../src/adapters/local/key-directory.ts'));
    const derived = await raceProcesses<string>(
      3,
      `const { KeyDirectory } = await import('${module.href}');
       await start();
       const keys = new KeyDirectory(${JSON.stringify(directory)}, { protects: [] });
       report(Buffer.from(keys.derive('stream')).toString('hex'));`,
    );
    expect(new Set(derived).size).toBe(1);
  });
});

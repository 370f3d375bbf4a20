/** `c360 generate --faults` writes the manifest beside the files. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faultNames, generate, plantedFaults } from '../../../src/generators/index.ts';
import { c360 } from '../../support/c360.ts';

const directory = mkdtempSync(join(tmpdir(), 'c360-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

const manifestPath = join(directory, 'faults.jsonl');
const generateTiny = (...args: string[]) =>
  c360(['generate', '--size', 'tiny', '--out', directory, '--format', 'json', ...args]);

test('all faults: the files and the manifest are those of the generator, and the summary counts them', async () => {
  const { code, stdout } = await generateTiny('--faults', 'all', '--fault-share', '0.01');
  expect(code).toBe(0);
  const request = { size: 'tiny', faults: faultNames, faultShare: 0.01 } as const;
  const planted = [...plantedFaults(request)].map((entry) => `${JSON.stringify(entry)}\n`);
  expect(readFileSync(manifestPath, 'utf8') === planted.join('')).toBe(true);
  const files = generate(request);
  for (const { name, lines } of files) {
    expect([name, readFileSync(join(directory, name), 'utf8') === [...lines()].join('')]).toEqual([name, true]);
  }
  const counts = Object.fromEntries(files.map(({ name, count }) => [name, count]));
  expect(JSON.parse(stdout)).toEqual({ ...counts, 'faults.jsonl': planted.length });
});

test('some faults: only these are planted', async () => {
  expect((await generateTiny('--faults', 'late,missing_day', '--force')).code).toBe(0);
  const faults = readFileSync(manifestPath, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).fault);
  expect(new Set(faults)).toEqual(new Set(['late', 'missing_day']));
});

test('no faults: no manifest, and that of an earlier call goes', async () => {
  expect((await generateTiny('--force')).code).toBe(0);
  expect(existsSync(manifestPath)).toBe(false);
});

test('a name that is none is refused with those that are, and nothing is written', async () => {
  const { code, stderr } = await generateTiny('--faults', 'gremlins', '--force');
  expect([code, existsSync(manifestPath)]).toEqual([1, false]);
  expect(stderr).toContain('faults must be among invalid, duplicate,');
  expect(stderr).toContain('got gremlins');
});

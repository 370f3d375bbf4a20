/** The import table of the layout is enforced: a planted breach of each kind is found. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { repositoryRoot } from '../support/c360.ts';

/** A small tree that keeps the table. */
const sound = {
  'src/contracts/index.ts': 'export const columns = 1;',
  'src/domain/money.ts': "import { columns } from '../contracts/index.ts';\nexport const money = columns;",
  'src/ports.ts': 'export interface Clock { now(): Date }',
  'src/adapters/local/clock.ts':
    "import type { Clock } from '../../ports.ts';\nexport const clock: Clock = { now: () => new Date() };",
  'src/adapters/aws/clock.ts':
    "import type { Clock } from '../../ports.ts';\nexport const clock: Clock = { now: () => new Date() };",
  'src/flows/ingest.ts': "import { money } from '../domain/money.ts';\nexport const ingest = money;",
  'test/money.test.ts': "import '../src/domain/money.ts';\nexport const tested = 1;",
};

/** What dependency-cruiser says of the sound tree with some files replaced or added. */
function cruise(planted: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), 'c360-imports-'));
  try {
    for (const [path, text] of Object.entries({ ...sound, ...planted })) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    writeFileSync(join(directory, 'tsconfig.json'), '{ "compilerOptions": { "module": "nodenext" } }');
    symlinkSync(join(repositoryRoot, 'node_modules'), join(directory, 'node_modules'));
    const cruiser = join(repositoryRoot, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    const config = join(repositoryRoot, '.dependency-cruiser.mjs');
    return execFileSync(process.execPath, [cruiser, '--config', config, 'src', 'test'], {
      cwd: directory,
      encoding: 'utf8',
    });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('the import table', () => {
  test('lets a sound tree pass', () => {
    expect(cruise({})).toContain('no dependency violations found');
  });

  test.each`
    breach                             | path                           | text                                                             | rule
    ${'the domain reaches an adapter'} | ${'src/domain/money.ts'}       | ${"import '../adapters/local/clock.ts';"}                        | ${'imports-of \\^src/domain/'}
    ${'a flow reaches an adapter'}     | ${'src/flows/ingest.ts'}       | ${"import '../adapters/aws/clock.ts';"}                          | ${'imports-of \\^src/flows/'}
    ${'one adapter imports the other'} | ${'src/adapters/aws/clock.ts'} | ${"import '../local/clock.ts';"}                                 | ${'imports-of \\^src/adapters/aws/'}
    ${'the domain does I/O'}           | ${'src/domain/money.ts'}       | ${"import { readFileSync } from 'node:fs';\nreadFileSync('x');"} | ${'domain-is-pure'}
    ${'the platform imports a test'}   | ${'src/flows/ingest.ts'}       | ${"import '../../test/money.test.ts';"}                          | ${'no-test-imports'}
    ${'two files need each other'}     | ${'src/contracts/index.ts'}    | ${"import '../domain/money.ts';"}                                | ${'no-cycles'}
    ${'an import leads nowhere'}       | ${'src/flows/ingest.ts'}       | ${"import '../domain/nowhere.ts';"}                              | ${'resolvable'}
  `('finds that $breach', ({ path, text, rule }) => {
    expect(cruise({ [path]: text })).toMatch(new RegExp(`error ${rule}`));
  });
});

/** The check of the Python code finds what is wrong, and says where it cannot look. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../support/c360.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { testWithPython } from '../support/python-tool.ts';

const newDirectory = temporaryDirectories();

/** The project with one Python file of this text in each folder. */
function project(text = 'x = 1\n'): string {
  const root = newDirectory();
  for (const path of ['scripts', 'pyproject.toml', 'requirements-dev.txt'])
    cpSync(join(repositoryRoot, path), join(root, path), { recursive: true });
  for (const folder of ['glue-scripts', 'test/support', 'examples/producers/python'])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'glue-scripts/script.py'), 'x = 1\n');
  writeFileSync(join(root, 'examples/producers/python/producer.py'), 'x = 1\n');
  writeFileSync(join(root, 'test/support/helper.py'), text);
  return root;
}

function check(root: string, env: NodeJS.ProcessEnv): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(root, 'scripts/check-python.mjs')], { encoding: 'utf8', env });
}

testWithPython.each([
  ['nothing where nothing is', 'x = 1\n', 0, /^$/],
  ['a format', 'x = "1" ;\n', 1, /unformatted: .*helper\.py/s],
  ['a fault that the linter knows', 'import os\n', 1, /F401.*helper\.py/s],
  ['a missing type', 'def double(x):\n    return 2 * x\n', 1, /ANN001.*helper\.py/s],
  ['a wrong type', 'x: int = "1"\n', 1, /helper\.py:1: error: Incompatible types/],
])('finds %s', (_, text, status, said) => {
  const root = project(text);
  symlinkSync(join(repositoryRoot, '.venv'), join(root, '.venv'));
  expect(check(root, process.env)).toMatchObject({ status, stdout: expect.stringMatching(said) });
});

test.each`
  where              | env               | status
  ${'on a machine'}  | ${{}}             | ${0}
  ${'where CI runs'} | ${{ CI: 'true' }} | ${1}
`('without Python it ends with $status $where, and says so', ({ env, status }) => {
  const root = project();
  const ended = check(root, { PATH: root, ...env });
  expect(ended.status).toBe(status);
  expect(ended.stderr).toMatch(/^NOTICE: the Python code is not checked: Python 3\.11 or newer with venv is needed/);
});

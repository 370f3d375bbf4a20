// Checks format, lint and types of the Python code, as pyproject.toml says how: `npm run python`. Without Python it is skipped
// with a notice; where CI is set that is a failure.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { pythonEnvironment } from './python-env.mjs';

const folders = ['glue-scripts', 'test/support', 'examples/producers/python'];
const checks = [
  ['ruff', 'format', '--check', '--quiet', ...folders],
  ['ruff', 'check', '--quiet', ...folders],
  ['mypy', '--no-error-summary'],
];

try {
  const tools = dirname(pythonEnvironment());
  for (const [name, ...args] of checks) {
    const { status, error } = spawnSync(join(tools, name), args, {
      cwd: join(import.meta.dirname, '..'),
      stdio: 'inherit',
    });
    if (error) throw error;
    if (status !== 0) process.exit(status ?? 1);
  }
} catch (error) {
  process.stderr.write(`NOTICE: the Python code is not checked: ${error.message}\n`);
  if (process.env.CI) process.exit(1);
}

/** The workflows of GitHub do what CI does here, with no right and no secret more than they need. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repositoryRoot } from '../support/c360.ts';

const read = (path: string) => readFileSync(join(repositoryRoot, path), 'utf8');

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, string>;
}
interface Job {
  permissions?: Record<string, string>;
  environment?: string;
  strategy?: { matrix: { include?: { run: string }[]; environment?: string[] } };
  steps: Step[];
}
interface Workflow {
  on: { push?: { branches?: string[]; tags?: string[] }; workflow_dispatch?: { inputs: object } };
  permissions: Record<string, string>;
  concurrency: { group: string; 'cancel-in-progress': boolean | string };
  jobs: Record<string, Job>;
}

const folder = '.github/workflows';
const workflows = Object.fromEntries(
  readdirSync(join(repositoryRoot, folder)).map((name) => [name, parse(read(join(folder, name))) as Workflow]),
);
const setUp = parse(read('.github/actions/set-up/action.yaml')) as { runs: { steps: Step[] } };
const texts = [...Object.keys(workflows).map((name) => join(folder, name)), '.github/actions/set-up/action.yaml'].map(
  read,
);
const { 'ci.yaml': ci, 'deploy.yaml': deploy } = workflows as Record<'ci.yaml' | 'deploy.yaml', Workflow>;

const stepsOf = (workflow: Workflow) => Object.values(workflow.jobs).flatMap(({ steps }) => steps);
const allSteps = [...Object.values(workflows).flatMap(stepsOf), ...setUp.runs.steps];
const matrixRuns = Object.values(ci.jobs).flatMap(({ strategy }) => strategy?.matrix.include ?? []);
const commands = [...allSteps, ...matrixRuns].flatMap(({ run }) => run ?? []);

test('there are two: one that checks, one that deploys', () => {
  expect(Object.keys(workflows)).toEqual(['ci.yaml', 'deploy.yaml']);
});

test('no secret is read, and only the deployment gets an identity', () => {
  const secrets = texts.flatMap((text) => [...text.matchAll(/secrets\b[^\n]*/g)].map(([found]) => found));
  expect(secrets).toEqual([]);
  const rights = Object.entries(workflows).flatMap(([name, { permissions, jobs }]) => [
    [name, permissions],
    ...Object.entries(jobs).flatMap(([job, one]) => (one.permissions ? [[`${name} ${job}`, one.permissions]] : [])),
  ]);
  expect(rights).toEqual([
    ['ci.yaml', { contents: 'read' }],
    ['deploy.yaml', { contents: 'read' }],
    ['deploy.yaml deploy', { contents: 'read', 'id-token': 'write' }],
  ]);
});

test('actions of others are pinned by their commits, each with its version', () => {
  const used = texts.flatMap((text) => [...text.matchAll(/uses: (.+)/g)].map(([, action]) => action!));
  const foreign = used.filter((action) => !action.startsWith('./'));
  expect(foreign.length).toBeGreaterThan(5);
  for (const action of foreign) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  for (const action of used.filter((one) => one.startsWith('./'))) {
    expect(existsSync(join(repositoryRoot, action, 'action.yaml'))).toBe(true);
  }
  const kept = allSteps.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
  for (const { with: given } of kept) expect(given).toEqual({ 'persist-credentials': false });
});

test('each command is one of the project', () => {
  const { scripts, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
  const unknown = commands.filter((command) => {
    const [, script] = /^npm (?:run )?([\w:]+)/.exec(command) ?? [];
    if (script === 'ci') return false;
    if (script) return !(script in scripts!);
    if (command.startsWith('npx cdk ')) return !('aws-cdk' in devDependencies!);
    const [, file] = /^node (\S+)/.exec(command) ?? [];
    if (file) return !existsSync(join(repositoryRoot, file));
    return !/^(\.venv\/bin\/cfn-lint -r us-east-1|sudo sysctl -w kernel\.\w+=0$|\$\{\{ matrix\.run \}\}$)/.test(
      command,
    );
  });
  expect(unknown).toEqual([]);
});

test('CI runs all that .ci/run does, and makes the templates of both environments', () => {
  const local = read('.ci/run')
    .split('\n')
    .filter((line) => line.startsWith('npm '))
    .map((line) => line.replace(' -s', ''));
  expect(local).toHaveLength(4);
  expect(commands).toEqual(expect.arrayContaining(local));
  expect(ci.jobs.synth!.strategy!.matrix.environment).toEqual(['dev', 'prod']);
  expect(commands).toContain('npm run synth -- -c env=$' + '{{ matrix.environment }}');
});

test('Node.js is that of .node-version, and Python and Java are those that the project asks for', () => {
  const given = (action: string) =>
    allSteps.filter(({ uses }) => uses?.includes(action)).map(({ with: values }) => values!);
  for (const values of given('setup-node'))
    expect(values).toEqual({ 'node-version-file': '.node-version', cache: 'npm' });
  expect(given('setup-node')).toHaveLength(2);
  expect(given('setup-python')).toEqual([{ 'python-version': '3.13' }]);
  expect(given('setup-java')[0]).toMatchObject({ distribution: 'temurin', 'java-version': '17' });
  expect(read('.node-version').trim()).toMatch(/^24\.\d+\.\d+$/);
});

test('what is deployed is what was asked for, one at a time and never stopped midway', () => {
  expect(deploy.on.push).toEqual({ tags: ['v*'] });
  expect(deploy.on.workflow_dispatch!.inputs).toMatchObject({
    environment: { type: 'choice', options: ['dev', 'prod'], default: 'dev' },
  });
  const environment = '$' + "{{ inputs.environment || 'prod' }}";
  expect(deploy.concurrency).toEqual({ group: `deploy-${environment}`, 'cancel-in-progress': false });
  expect(deploy.jobs.deploy!.environment).toBe(environment);
  expect(stepsOf(deploy).flatMap(({ run }) => run ?? [])).toEqual([
    'npm ci --no-audit --no-fund',
    'npx cdk diff --all -c env="$ENVIRONMENT"',
    'npx cdk deploy --all --require-approval never -c env="$ENVIRONMENT"',
  ]);
  const role = stepsOf(deploy).find(({ uses }) => uses?.includes('configure-aws-credentials'))!.with!;
  expect(role['role-to-assume']).toBe('$' + '{{ vars.AWS_DEPLOY_ROLE_ARN }}');
  expect(Object.keys(role).filter((name) => /key|secret/i.test(name))).toEqual([]);
});

/** docs/deploy.md names what the templates hold, and forgets nothing that a take-down leaves behind. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repositoryRoot } from '../support/c360.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { synthesize, type Template } from '../support/synthesized.ts';

const read = (path: string) => readFileSync(join(repositoryRoot, path), 'utf8');
const page = read('docs/deploy.md');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\`$`, 'gm'))].map(([, indent, text]) =>
    text!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
const script = blocks('sh').join('\n');

const newDirectory = temporaryDirectories();
const templates = synthesize(newDirectory(), { isDataRetained: true }).files.map(
  (file) => JSON.parse(readFileSync(file, 'utf8')) as Template,
);

test('its commands are sound shell, and those of this project exist', async () => {
  execFileSync('bash', ['-n'], { input: script, stdio: ['pipe', 'ignore', 'inherit'] });
  const names = [...page.matchAll(/node bin\/c360\.mjs ([a-z]+)/g)].map(([, name]) => name!);
  expect(names).toEqual(expect.arrayContaining(['doctor', 'produce', 'upload', 'run', 'query']));
  for (const name of names) expect(read('src/cli/main.ts')).toContain(`${name}Command()`);
});

test('the parameters that it reads are those of the stacks', () => {
  const known = templates.flatMap(({ Parameters = {}, Resources }) => [
    ...Object.values(Parameters).map(({ Default }) => Default),
    ...Object.values(Resources).map(({ Properties }) => Properties?.Name),
  ]);
  const named = [...script.matchAll(/parameter "?([a-z/-]+\/[$a-z-]+)/g)].map(([, name]) => name!);
  const all = named.map((name) => name.replace('$table', 'vault'));
  expect(all.length).toBeGreaterThan(2);
  for (const name of all) expect(known).toContain(`/customer-360/test/${name}`);
});

/** Where jq is missing the test is skipped, which with `CI=true` is a failure. */
const hasJq = spawnSync('jq', ['--version']).status === 0 || process.env.CI === 'true';

(hasJq ? test : test.skip)('its drill brings back all that was deleted, also behind many objects that were not', () => {
  const directory = newDirectory();
  const marks = (count: number, IsLatest: boolean) =>
    Array.from({ length: count }, (_, at) => ({ Key: `curated/${IsLatest}-${at}`, VersionId: `v${at}`, IsLatest }));
  const Versions = marks(1500, true);
  const all = { Versions, DeleteMarkers: [...marks(10, false), ...marks(2100, true)] };
  writeFileSync(join(directory, 'all.json'), JSON.stringify(all));
  // What the AWS CLI does with --max-items: it counts all that it lists.
  writeFileSync(join(directory, 'first.json'), JSON.stringify({ Versions: Versions.slice(0, 1000) }));
  const stand = `
    parameter() { echo lake; }
    aws() {
      case "$*" in
        *list-object-versions*--max-items*) cat first.json ;;
        *list-object-versions*) cat all.json ;;
        *delete-objects*file://marks.json) jq -c '.Objects[].Key' marks.json >> deleted ; jq '.Objects | length' marks.json ;;
      esac
    }`;
  const drill = blocks('sh').find((text) => text.includes('select(.IsLatest)'))!;
  const sizes = execFileSync('bash', ['-euc', `${stand}\n${drill}`], { cwd: directory, encoding: 'utf8' });
  expect(sizes).toBe('1000\n1000\n100\n');
  const deleted = readFileSync(join(directory, 'deleted'), 'utf8').trimEnd().split('\n');
  expect(deleted).toEqual(marks(2100, true).map(({ Key }) => JSON.stringify(Key)));
});

test('the tables that it names as restored are those that the settings know', () => {
  const [given] = blocks('yaml').map((text) => parse(text) as { restoredTables: Record<string, string> });
  const { properties } = JSON.parse(read('config/schema.json')) as {
    properties: { restoredTables: { properties: object } };
  };
  const known = Object.keys(properties.restoredTables.properties);
  expect(known).toEqual(expect.arrayContaining(Object.keys(given!.restoredTables)));
  const [, named] = /the same for each of\s+(.+?), all at ONE time/s.exec(page)!;
  expect([...named!.matchAll(/`([a-z]+)`/g)].map(([, table]) => table)).toEqual(
    known.filter((table) => table !== 'vault' && table !== 'ledger'),
  );
});

test('what a stack retains is taken down by a command', () => {
  const retained = templates
    .flatMap(({ Resources }) => Object.values(Resources))
    .flatMap(({ Type, DeletionPolicy }) => (DeletionPolicy?.startsWith('Retain') ? [Type] : []));
  expect(retained.length).toBeGreaterThan(10);
  const takenDown = [...script.matchAll(/\$\(retained ([\w:]+)\)/g)].map(([, type]) => type!);
  expect([...new Set(retained)].sort()).toEqual(takenDown.sort());
});

test('the role of the deployment may be taken by one repository and environment, and takes those of the bootstrap alone', () => {
  const [trust, rights] = blocks('json').map((text) => JSON.parse(text) as { Statement: object[] });
  expect(trust!.Statement).toEqual([
    {
      Effect: 'Allow',
      Principal: { Federated: 'arn:aws:iam::<account>:oidc-provider/token.actions.githubusercontent.com' },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: {
        StringEquals: {
          'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
          'token.actions.githubusercontent.com:sub': 'repo:<owner>/<repository>:environment:<environment>',
        },
      },
    },
  ]);
  expect(rights!.Statement).toEqual([
    {
      Effect: 'Allow',
      Action: 'sts:AssumeRole',
      Resource: 'arn:aws:iam::<account>:role/cdk-hnb659fds-*-role-<account>-<region>',
    },
  ]);
  for (const name of ['AWS_DEPLOY_ROLE_ARN', 'AWS_REGION']) {
    expect(read('.github/workflows/deploy.yaml')).toContain(`vars.${name}`);
    expect(page).toContain(`\`${name}\``);
  }
});

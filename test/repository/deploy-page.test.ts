/** docs/deploy.md names what the templates hold, and forgets nothing that a take-down leaves behind. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
  expect(all.length).toBeGreaterThan(4);
  for (const name of all) expect(known).toContain(`/customer-360/test/${name}`);
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

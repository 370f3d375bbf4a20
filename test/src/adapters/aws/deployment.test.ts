/** A deployment is found by its parameters, and where it cannot be, a line says why and what to do. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findDeployment } from '../../../../src/adapters/aws/deployment.ts';
import { lineOf } from '../../../../src/cli/errors.ts';
import { type FoundDeployment, newFoundDeployment } from '../../../support/aws-parameters.ts';
import { c360 } from '../../../support/c360.ts';
import { collect } from '../../../support/collect.ts';
import { FaultProxy } from '../../../support/fault-proxy.ts';
import { jsonError, rejection } from '../../../support/faulty-aws.ts';
import { temporaryDirectories } from '../../../support/local-stores.ts';
import { describeWithMoto, motoAddress } from '../../../support/moto.ts';

const newDirectory = temporaryDirectories();
const sql = { read: () => '', list: () => [] };

const find = (environment: string, variables: Record<string, string | undefined>) =>
  findDeployment({ environment, variables, sql, reportingCurrency: () => 'EUR' });

describeWithMoto('a deployment', () => {
  let aws: FoundDeployment;
  beforeAll(async () => {
    aws = await newFoundDeployment({ without: ['warehouse/workgroup'] });
  });
  afterAll(() => aws.close());

  test('is found by its name, and its stores are those that the stacks made', async () => {
    const { env } = await find(aws.environment, aws.shell);
    await aws.objects.put('plans/a', Buffer.from('x'));
    expect((await collect(env.objects.list(''))).map(({ key }) => key)).toEqual(['plans/a']);
    await env.hot.write([{ table: 'runs', put: { partition: 'a', sort: 'b', values: { c: 1 } } }]);
    expect(await aws.env.hot.get('runs', { partition: 'a', sort: 'b' })).toMatchObject({ values: { c: 1 } });
    await env.stream.put([{ partitionKey: 'a', data: Buffer.from('x') }]);
    const [shard] = await aws.stream.shards();
    expect(await aws.stream.read(shard!, undefined, 10)).toHaveLength(1);
    expect(env.settings).toEqual({ reportingCurrency: 'EUR' });
    expect(await env.vault.epoch()).toBe(await aws.env.vault.epoch());
  });

  test('of which a part is missing says so when that part is asked for, and not before', async () => {
    const { env, missing } = await find(aws.environment, aws.shell);
    const parameter = `/customer-360/${aws.environment}/warehouse/workgroup`;
    expect(missing).toEqual([parameter]);
    expect(() => env.warehouse).toThrow(
      `${parameter} is missing: deploy the whole of it (npx cdk deploy --all -c env=${aws.environment})`,
    );
  });

  test('that nobody deployed is told with the region that was asked', async () => {
    expect(lineOf(await rejection(find('nowhere', aws.shell)))).toBe(
      'there is no deployment nowhere in eu-west-1: /customer-360/nowhere/ holds no parameter; deploy it ' +
        '(npx cdk deploy --all -c env=nowhere), or name another with --env or AWS_REGION',
    );
  });

  test('is looked for in the region of AWS_REGION, else of AWS_DEFAULT_REGION', async () => {
    const { AWS_REGION: _, ...shell } = aws.shell;
    const regionOf = async (variables: Record<string, string>) =>
      (await find(aws.environment, { ...shell, ...variables })).variables.AWS_REGION;
    expect(await regionOf({ AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'us-east-1' })).toBe('eu-west-1');
    expect(await regionOf({ AWS_DEFAULT_REGION: 'eu-west-1' })).toBe('eu-west-1');
  });

  test.each([
    ['ExpiredTokenException', 'the credentials have expired; `aws sso login`, or take new ones'],
    ['UnrecognizedClientException', 'AWS does not know these credentials; check AWS_PROFILE'],
    ['InvalidSignatureException', 'AWS does not know these credentials; check AWS_PROFILE'],
    ['AccessDeniedException', 'this identity has no right to it; `aws sts get-caller-identity` tells which it is'],
    ['ThrottlingException', 'AWS asks for fewer requests; run the command again in a moment'],
  ])('%s is told in a line with what to do, and without the words of AWS', async (code, wayOut) => {
    const proxy = new FaultProxy(await motoAddress());
    proxy.failAll(/GetParametersByPath/, jsonError(code));
    const line = lineOf(await rejection(find('dev', { ...aws.shell, AWS_ENDPOINT_URL: await proxy.start() })));
    await proxy.close();
    expect(line).toContain(`parameter store: reading /customer-360/dev/ in eu-west-1 failed with ${code}`);
    expect(line).toContain(wayOut);
    expect(line).not.toMatch(/planted|\n/);
  });
});

describe('the shell in which c360 is called', () => {
  /** Runs `c360 runs` with a home of its own, and nothing of this machine's AWS settings. */
  const inShell = async (variables: Record<string, string>, home = newDirectory()) => {
    const none = Object.fromEntries(
      Object.keys(process.env)
        .filter((name) => name.startsWith('AWS_'))
        .map((name) => [name, '']),
    );
    const shell = { ...none, HOME: home, AWS_EC2_METADATA_DISABLED: 'true', AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    const { code, stdout, stderr } = await c360(['runs', '--target', 'aws'], { ...shell, ...variables });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    return stderr;
  };

  test('without a region is told to set one', async () => {
    expect(await inShell({})).toMatch(
      /no region is set: set AWS_REGION, such as eu-west-1, or a region in the profile/,
    );
  });

  test('without credentials is told how to get them', async () => {
    expect(await inShell({ AWS_REGION: 'eu-west-1' })).toMatch(
      /failed with CredentialsProviderError: no credentials were found, or their session is over; `aws sso login`/,
    );
  });

  test('whose session of single sign-on is over is told to log in again', async () => {
    const home = newDirectory();
    mkdirSync(join(home, '.aws'));
    const config = `[profile work]
region = eu-west-1
sso_session = work
sso_account_id = 123456789012
sso_role_name = engineer
[sso-session work]
sso_region = eu-west-1
sso_start_url = https://127.0.0.1/start
`;
    writeFileSync(join(home, '.aws/config'), config);
    expect(await inShell({ AWS_PROFILE: 'work' }, home)).toMatch(/aws sso login/);
  });
});

/** The Glue job runs the script and the SQL of this repository, on two workers unless told otherwise, and leaves nothing in the clear. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectories } from '../support/local-stores.ts';
import { runPythonTool, testWithPython } from '../support/python-tool.ts';
import { resourceOf, resourcesOf, synthesize } from '../support/synthesized.ts';

const newDirectory = temporaryDirectories();
const directory = newDirectory();
const { pipeline: template } = synthesize(directory).templates;
const job = resourceOf(template, 'AWS::Glue::Job').Properties;
const machine = resourceOf(template, 'AWS::StepFunctions::StateMachine').Properties;

/** The reference to what another stack put under this path. */
const parameter = (path: string) => {
  const [name] = Object.entries(template.Parameters).find(
    ([, { Default }]) => Default === `/customer-360/test/${path}`,
  )!;
  return { Ref: name };
};

test('is Glue 6.0 on two small workers, one run at a time, not tried again by itself', () => {
  expect(job).toMatchObject({
    Name: 'customer-360-test-models',
    GlueVersion: '6.0',
    WorkerType: 'G.1X',
    NumberOfWorkers: 2,
    ExecutionProperty: { MaxConcurrentRuns: 1 },
    MaxRetries: 0,
  });
});

test('grows as far as the settings say', () => {
  const { pipeline: larger } = synthesize(newDirectory(), { models: { maxWorkers: 10 } }).templates;
  expect(resourceOf(larger, 'AWS::Glue::Job').Properties).toMatchObject({
    NumberOfWorkers: 10,
    DefaultArguments: { '--enable-auto-scaling': 'true' },
  });
});

test('is the one that the state machine starts, and may take longer than its states wait', () => {
  expect(machine.DefinitionSubstitutions).toMatchObject({ ModelsJob: 'customer-360-test-models' });
  const { States } = JSON.parse(machine.DefinitionString as string) as { States: Record<string, object> };
  for (const name of ['CleanModels', 'CuratedModels']) {
    expect(States[name]).toMatchObject({ TimeoutSeconds: 4 * 60 * 60, Parameters: { JobName: `\${ModelsJob}` } });
  }
  expect(job.Timeout).toBe(4 * 60 + 5);
});

test('has these arguments, to which a run adds its plan', () => {
  expect(job.DefaultArguments).toEqual({
    '--lake': { 'Fn::Join': ['', ['s3://', parameter('data/bucket')]] },
    '--sql': { 'Fn::Sub': expect.stringMatching(/^s3:.*\.zip$/) },
    '--enable-auto-scaling': 'true',
    '--job-bookmark-option': 'job-bookmark-disable',
    '--custom-logGroup-prefix': '/aws-glue/jobs/customer-360-test',
    '--job-language': 'python',
    '--enable-continuous-cloudwatch-log': 'true',
    '--enable-metrics': '',
    '--enable-observability-metrics': 'true',
  });
});

describe('the script', () => {
  const [lake, sql, plan] = ['s3://lake', 's3://assets/sql.zip', 'plans/r1/clean.json'];
  /** What Glue hands to the script: the job's arguments as they are filled in, and some of its own. */
  const given = [
    ...Object.entries({ ...(job.DefaultArguments as object), '--lake': lake, '--sql': sql }).flat(),
    ...['--JOB_NAME', 'models', '--JOB_RUN_ID', 'jr_1', '--TempDir', 's3://temporary/', 'true'],
  ];
  const code = [
    'import json, sys',
    'sys.path.insert(0, "glue-scripts")',
    'import run_models',
    'print(json.dumps(vars(run_models.parse_arguments(sys.argv[1:]))))',
  ].join('\n');
  const parse = async (...more: string[]): Promise<unknown> =>
    JSON.parse(await runPythonTool('python', '-c', code, ...given, ...more));

  testWithPython('takes these arguments and the plan, and leaves alone what is meant for Glue', async () => {
    expect(await parse('--plan', plan)).toEqual({ lake, sql, plan, max_file_mb: 128 });
  });

  testWithPython('is not content without a plan', async () => {
    await expect(parse()).rejects.toThrow('the following arguments are required: --plan');
    await expect(parse('--pla', plan)).rejects.toThrow('are required: --plan');
  });
});

test('runs the script and the SQL files as they stand here', () => {
  /** The asset of an address, as it lies beside the template. */
  const assetOf = (address: unknown, ending: RegExp): string => {
    const [, name] = ending.exec(JSON.stringify(address))!;
    return join(directory, `asset.${name}`);
  };
  const { ScriptLocation } = job.Command as { ScriptLocation: object };
  const script = readFileSync(assetOf(ScriptLocation, /\/([0-9a-f]{64}\.py)"/), 'utf8');
  expect(script).toBe(readFileSync('glue-scripts/run_models.py', 'utf8'));
  const sql = assetOf((job.DefaultArguments as Record<string, object>)['--sql'], /\/([0-9a-f]{64})\.zip"/);
  const texts = (folder: string) =>
    (readdirSync(folder, { recursive: true }) as string[]).filter((path) => path.endsWith('.sql')).sort();
  expect(texts(sql)).toEqual(texts('sql'));
  for (const path of texts(sql)) expect(readFileSync(join(sql, path))).toEqual(readFileSync(join('sql', path)));
});

test('encrypts its files, logs and bookmarks with the data key', () => {
  const configuration = resourceOf(template, 'AWS::Glue::SecurityConfiguration');
  const KmsKeyArn = parameter('data/key-arn');
  expect(configuration.Properties).toEqual({
    Name: 'customer-360-test-models',
    EncryptionConfiguration: {
      S3Encryptions: [{ S3EncryptionMode: 'SSE-KMS', KmsKeyArn }],
      CloudWatchEncryption: { CloudWatchEncryptionMode: 'SSE-KMS', KmsKeyArn },
      JobBookmarksEncryption: { JobBookmarksEncryptionMode: 'CSE-KMS', KmsKeyArn },
    },
  });
  const [id] = Object.entries(template.Resources).find(([, resource]) => resource === configuration)!;
  expect(job.SecurityConfiguration).toEqual({ Ref: id });
});

test('writes its logs into groups that are made here, under the names that Glue gives them', () => {
  const { Role } = job as { Role: { 'Fn::GetAtt': [string, string] } };
  const names = resourcesOf(template, 'AWS::Logs::LogGroup')
    .filter(({ Properties }) => JSON.stringify(Properties.KmsKeyId) === JSON.stringify(parameter('data/key-arn')))
    .map(({ Properties }) => Properties.LogGroupName);
  const prefix = '/aws-glue/jobs/customer-360-test/customer-360-test-models-role/';
  expect(names).toEqual(
    ['/error', '/output'].map((end) => ({ 'Fn::Join': ['', [prefix, { Ref: Role['Fn::GetAtt'][0] }, end]] })),
  );
});

/** The templates keep the rules of AWS Solutions, of CloudFormation, and of the platform's own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack, Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { customer360 } from '../../lib/customer-360.ts';
import { parameters } from '../../src/adapters/aws/deployment.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { runPythonTool, testWithPython } from '../support/python-tool.ts';
import { newApp, resourceOf, resourcesOf, settings, synthesize, tables } from '../support/synthesized.ts';

const newDirectory = temporaryDirectories();
const directory = newDirectory();
const { templates, files } = synthesize(directory);
const template = templates.pipeline;

test('cdk-nag finds nothing, and would', () => {
  const { pluginReports } = JSON.parse(readFileSync(join(directory, 'validation-report.json'), 'utf8'));
  expect(pluginReports).toEqual([]);
  const app = newApp(newDirectory());
  customer360(app, 'test', settings, tables);
  new Bucket(new Stack(app, 'planted'), 'Bucket');
  expect(() => app.synth()).toThrow(/AwsSolutions-S10/);
});

test('what cdk-nag finds is acknowledged one by one, 25 times at most, each with its reason', () => {
  const app = newApp(newDirectory());
  customer360(app, 'test', settings, tables);
  const acknowledged = app.node
    .findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries(data as Record<string, string>))
    .filter(([rule]) => rule.includes('AwsSolutions-'));
  expect(acknowledged.length).toBeLessThanOrEqual(25);
  for (const [rule, reason] of acknowledged) {
    // A rule that finds many things names the one that is meant.
    expect(rule).toMatch(/AwsSolutions-(IAM[45]\[.+\]|KDS3)$/);
    expect(reason.length).toBeGreaterThan(30);
  }
});

testWithPython(
  'cfn-lint finds nothing, and would',
  async () => {
    const planted = structuredClone(template);
    resourceOf(planted, 'AWS::Scheduler::Schedule').Properties.State = 'SLEEPY';
    const definition = resourceOf(planted, 'AWS::StepFunctions::StateMachine').Properties;
    definition.DefinitionString = (definition.DefinitionString as string).replace('"TimeoutSeconds":', '"Timeout":');
    const broken = join(newDirectory(), 'broken.template.json');
    writeFileSync(broken, JSON.stringify(planted));
    // I1022: CDK joins texts where Fn::Sub would do. W3005: CDK writes dependencies that GetAtt implies.
    const ignored = ['--ignore-checks', 'I1022', 'W3005'];
    const found = await runPythonTool(
      'cfn-lint',
      '-r',
      'us-east-1',
      '-f',
      'parseable',
      ...ignored,
      '--',
      ...files,
      broken,
    );
    const lines = found.trim().split('\n');
    expect(lines.filter((line) => !line.startsWith(broken))).toEqual([]);
    expect(lines).toEqual(
      expect.arrayContaining([expect.stringContaining('SLEEPY'), expect.stringContaining("'Timeout'")]),
    );
  },
  180_000,
);

test('every function runs on arm64 and Node.js 24, keeps its logs for three months, and has the name and the deployment of the flow that it runs', () => {
  const functions = resourcesOf(template, 'AWS::Lambda::Function');
  expect(functions.length).toBe(8);
  for (const { Properties, Metadata } of functions) {
    expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' });
    const flow = Metadata?.['C360::Flow'];
    expect(Properties.Description).toBe(`Customer 360 test: ${flow}`);
    expect(Properties.FunctionName).toBe(`customer-360-test-${flow}`);
    expect(Properties.Environment).toMatchObject({ Variables: { C360_ENVIRONMENT: 'test' } });
    const { LogGroup } = Properties.LoggingConfig as { LogGroup: { Ref: string } };
    expect(template.Resources[LogGroup.Ref]!.Properties.LogGroupName).toBe(`/aws/lambda/customer-360-test-${flow}`);
  }
  for (const { Properties } of resourcesOf(template, 'AWS::Logs::LogGroup')) {
    expect(Properties.RetentionInDays).toBe(90);
  }
});

test('all that other stacks make is read from parameters of the deployment', () => {
  const read = Object.values(template.Parameters).map(({ Type, Default }) => [Type, Default]);
  const others = read.filter(([, path]) => !path!.startsWith('/cdk-bootstrap/'));
  expect(others.length).toBeGreaterThan(10);
  for (const parameter of others) {
    expect(parameter).toEqual(['AWS::SSM::Parameter::Value<String>', expect.stringMatching(/^\/customer-360\/test\//)]);
  }
});

test.each`
  schedule    | expression
  ${'daily'}  | ${'cron(0 3 * * ? *)'}
  ${'hourly'} | ${'cron(0 * * * ? *)'}
`('runs $schedule where the settings say so', ({ schedule, expression }) => {
  const { pipeline: made } = synthesize(newDirectory(), { schedule }).templates;
  expect(resourceOf(made, 'AWS::Scheduler::Schedule').Properties).toMatchObject({
    ScheduleExpression: expression,
    State: 'ENABLED',
    Target: { Input: '{"kind":"run"}', RetryPolicy: { MaximumEventAgeInSeconds: 3600 } },
  });
});

test('sends alerts by e-mail to whom the settings name, and else to nobody', () => {
  const { data: made } = synthesize(newDirectory(), { alerts: { email: 'on-call@example.com' } }).templates;
  expect(resourceOf(made, 'AWS::SNS::Subscription').Properties).toMatchObject({
    Protocol: 'email',
    Endpoint: 'on-call@example.com',
    TopicArn: { Ref: expect.stringMatching(/^AlertsTopic/) },
  });
  expect(resourcesOf(templates.data, 'AWS::SNS::Subscription')).toEqual([]);
});

test('what c360 looks for in the parameter store is what the stacks put there, or read there of each other', () => {
  const text = JSON.stringify(templates);
  const missing = Object.values(parameters).filter((path) => !text.includes(`"/customer-360/test/${path}"`));
  expect(missing).toEqual([]);
});

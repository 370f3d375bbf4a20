/** Settings are checked when they are read, and each deployment's file holds good ones. */
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSettings } from '../../../src/local/settings.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';

const newDirectory = temporaryDirectories();

function settings(text: string) {
  const root = newDirectory();
  mkdirSync(join(root, 'config'));
  cpSync('config/schema.json', join(root, 'config/schema.json'));
  writeFileSync(
    join(root, 'config/local.yaml'),
    `reportingCurrency: USD\nstream: {shards: 1, retentionHours: 24}\n${text}`,
  );
  return () => readSettings(root);
}

const deployments = readdirSync('config').filter((name) => name.endsWith('.yaml'));

test.each(deployments)('config/%s is as the schema says', (file) => {
  expect(readSettings('.', file.replace('.yaml', ''))).toMatchObject({
    schedule: expect.stringMatching(/^(daily|hourly)$/),
  });
});

test('the pipeline runs daily, and on two workers, where nothing else is said', () => {
  expect(settings('')()).toMatchObject({ schedule: 'daily', models: { maxWorkers: 2 } });
  expect(settings('schedule: hourly')()).toMatchObject({ schedule: 'hourly', models: { maxWorkers: 2 } });
  expect(settings('models: {maxWorkers: 10}')()).toMatchObject({ schedule: 'daily', models: { maxWorkers: 10 } });
});

test('where nothing is said the account may cost $50 a month, and every dataset is expected', () => {
  expect(settings('')()).toMatchObject({
    monthlyBudgetUsd: 50,
    freshnessHours: { events: 6, customers: 192, products: 192, transactions: 30 },
  });
  expect(settings('freshnessHours: {events: 2}')().freshnessHours).toEqual({ events: 2 });
});

test('the warehouse grows to 8 units where nothing else is said, also where its network is given', () => {
  const vpc = 'vpc: {vpcId: vpc-0a1b2c3d, subnetIds: [subnet-0a1b2c3d, subnet-0a1b2c3e]}';
  expect(settings('')().warehouse).toEqual({ maxRpus: 8 });
  expect(settings(`warehouse: {${vpc}}`)().warehouse).toEqual({
    maxRpus: 8,
    vpc: { vpcId: 'vpc-0a1b2c3d', subnetIds: ['subnet-0a1b2c3d', 'subnet-0a1b2c3e'] },
  });
  expect(settings('warehouse: {maxRpus: 32}')().warehouse).toEqual({ maxRpus: 32 });
});

test('tables that were restored, and zones of the warehouse, are those that are named', () => {
  const text = 'restoredTables: {vault: c-vault-restored}\nwarehouse: {zones: [us-east-1a, us-east-1c]}';
  expect(settings(text)()).toMatchObject({
    restoredTables: { vault: 'c-vault-restored' },
    warehouse: { maxRpus: 8, zones: ['us-east-1a', 'us-east-1c'] },
  });
});

test('zones are refused beside a network that exists, with what to do', () => {
  const vpc = 'vpc: {vpcId: vpc-0a1b2c3d, subnetIds: [subnet-0a1b2c3d, subnet-0a1b2c3e]}';
  expect(settings(`warehouse: {${vpc}, zones: [us-east-1a, us-east-1b]}`)).toThrow(
    'config/local.yaml: warehouse.zones is for a network of its own; leave it or warehouse.vpc out',
  );
});

test.each`
  text                                                | problem
  ${'schedule: weekly'}                               | ${/^config\/local.yaml: schedule must be equal to one of/}
  ${'models: {maxWorkers: 1}'}                        | ${/^config\/local.yaml: models.maxWorkers must be >= 2/}
  ${'monthlyBudgetUsd: 0'}                            | ${/^config\/local.yaml: monthlyBudgetUsd must be >= 1/}
  ${'freshnessHours: {events: 0}'}                    | ${/^config\/local.yaml: freshnessHours.events must be >= 1/}
  ${'freshnessHours: {events: 649}'}                  | ${/^config\/local.yaml: freshnessHours.events must be <= 648/}
  ${'freshnessHours: {orders: 1}'}                    | ${/^config\/local.yaml: freshnessHours must NOT have additional/}
  ${'alerts: {email: nobody}'}                        | ${/^config\/local.yaml: alerts.email must match/}
  ${'alerts: {slackWebhookUrl: "http://example/x"}'}  | ${/^config\/local.yaml: alerts.slackWebhookUrl must match/}
  ${'alerts: {phone: "1"}'}                           | ${/^config\/local.yaml: alerts must NOT have additional/}
  ${'warehouse: {maxRpus: 4}'}                        | ${/^config\/local.yaml: warehouse.maxRpus must be >= 8/}
  ${'warehouse: {maxRpus: 12}'}                       | ${/^config\/local.yaml: warehouse.maxRpus must be multiple of 8/}
  ${'warehouse: {vpc: {vpcId: vpc-0a1b2c3d}}'}        | ${/^config\/local.yaml: warehouse.vpc must have required property 'subnetIds'/}
  ${'warehouse: {vpc: {vpcId: mine, subnetIds: []}}'} | ${/^config\/local.yaml: warehouse.vpc.vpcId must match/}
  ${'warehouse: {zones: [us-east-1a]}'}               | ${/^config\/local.yaml: warehouse.zones must NOT have fewer than 2/}
  ${'warehouse: {zones: [use1-az1, use1-az2]}'}       | ${/^config\/local.yaml: warehouse.zones.0 must match/}
  ${'restoredTables: {vaults: abc}'}                  | ${/^config\/local.yaml: restoredTables must NOT have .* got vaults/}
  ${'restoredTables: {vault: "a b"}'}                 | ${/^config\/local.yaml: restoredTables.vault must match/}
  ${'analysts: {principals: ["*"]}'}                  | ${/^config\/local.yaml: analysts.principals.0 must match/}
  ${'analysts: {principals: []}'}                     | ${/^config\/local.yaml: analysts.principals must NOT have fewer/}
`('refuses $text', ({ text, problem }) => {
  expect(settings(text)).toThrow(problem);
});

/**
 * The environment of a function on AWS, from environment variables. Each part is made when a flow first asks for it: a
 * function needs the variables of the parts that it uses, and no others.
 */
import { randomUUID } from 'node:crypto';
import type { Clock, Environment, HotTable, Ids, Settings } from '../../ports.ts';
import { clientSettings, dynamoClient, kmsClient, s3Client } from './clients.ts';
import { DynamoHotStore } from './dynamo-hot-store.ts';
import { DynamoLedger } from './dynamo-ledger.ts';
import { DynamoTable } from './dynamo-table.ts';
import { DynamoVault } from './dynamo-vault.ts';
import { refusal } from './errors.ts';
import { KmsKeys } from './kms-keys.ts';
import { S3ObjectStore } from './s3-object-store.ts';

export type Variables = Record<string, string | undefined>;

/** Parts that only some functions use: whoever does gives them, so that no other bundle holds their clients. */
type GivenParts = Pick<Environment, 'stream' | 'engine' | 'warehouse' | 'catalog' | 'alerts' | 'sql'>;

const clock: Clock = { now: () => new Date() };
const ids: Ids = { uuid: () => randomUUID() };

/**
 * Variables: those of `clientSettings`; C360_BUCKET; C360_TABLE_CHECKPOINTS, _FILES, _BATCHES, _RUNS, _LOCKS, _ALERTS,
 * _VAULT and _LEDGER; C360_VAULT_KEY and C360_LEDGER_KEY (KMS keys); C360_REPORTING_CURRENCY. A part whose variable is missing is an
 * AdapterError when it is first used, and so is one that was not given.
 */
export function awsEnvironment(variables: Variables, given: Partial<GivenParts> = {}): Environment {
  const settings = once(() => clientSettings(variables));
  const dynamo = once(() => dynamoClient(settings()));
  const objects = once(
    () => new S3ObjectStore({ client: s3Client(settings()), bucket: read(variables, 'C360_BUCKET') }),
  );
  const hot = once(() => new DynamoHotStore({ client: dynamo(), tableNames: hotTableNames(variables), clock }));
  const vault = once(() => {
    const kms = kmsClient(settings());
    const parts = (what: 'vault' | 'ledger') => ({
      table: new DynamoTable({ client: dynamo(), tableName: read(variables, tableVariable(what)), what }),
      keys: new KmsKeys({ client: kms, keyId: read(variables, `C360_${what.toUpperCase()}_KEY`) }),
    });
    return new DynamoVault({ ...parts('vault'), ledger: new DynamoLedger(parts('ledger')), ids, clock });
  });
  const ownSettings = once(() => settingsOf(variables));
  return {
    clock,
    ids,
    get stream() {
      return part('stream', given.stream);
    },
    get objects() {
      return objects();
    },
    get hot() {
      return hot();
    },
    get vault() {
      return vault();
    },
    get engine() {
      return part('engine', given.engine);
    },
    get warehouse() {
      return part('warehouse', given.warehouse);
    },
    get catalog() {
      return part('catalog', given.catalog);
    },
    get alerts() {
      return part('alerts', given.alerts);
    },
    get sql() {
      return part('sql', given.sql);
    },
    get settings() {
      return ownSettings();
    },
  };
}

/** The same value at each call; a call that threw is made anew. */
export function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function part<Part>(name: string, given: Part | undefined): Part {
  if (given === undefined)
    throw refusal(`this function was given no adapter for the port ${name}: give it to awsEnvironment`);
  return given;
}

export function read(variables: Variables, name: string): string {
  const value = variables[name];
  if (!value) throw refusal(`the environment variable ${name} must be set, got nothing`);
  return value;
}

function tableVariable(table: string): string {
  return `C360_TABLE_${table.toUpperCase()}`;
}

function hotTableNames(variables: Variables): Record<HotTable, string> {
  const nameOf = (table: HotTable) => read(variables, tableVariable(table));
  return {
    checkpoints: nameOf('checkpoints'),
    files: nameOf('files'),
    batches: nameOf('batches'),
    runs: nameOf('runs'),
    locks: nameOf('locks'),
    alerts: nameOf('alerts'),
  };
}

function settingsOf(variables: Variables): Settings {
  const reportingCurrency = read(variables, 'C360_REPORTING_CURRENCY');
  if (!/^[A-Z]{3}$/.test(reportingCurrency)) {
    throw refusal(`C360_REPORTING_CURRENCY must be three capital letters (ISO 4217), got ${reportingCurrency}`);
  }
  return { reportingCurrency };
}

/** Reads a deployment's settings (`config/*.yaml`) and checks them against `config/schema.json`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import type { Dataset } from '../contracts/index.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import type { HotTable, Settings } from '../ports.ts';

/** What a deployment sets. The platform on one machine is the deployment `local`; what only AWS knows it leaves alone. */
export interface DeploymentSettings extends Settings {
  /** How often the pipeline runs by itself: each day at 03:00 UTC, or each full hour. */
  schedule: 'daily' | 'hourly';
  /** Most workers of a run of the models on Glue. */
  models: { maxWorkers: number };
  alerts?: {
    /** Who gets them by e-mail, on AWS. */
    email?: string;
    /** The channel that gets them, from one machine. */
    slackWebhookUrl?: string;
  };
  stream: { shards: number; retentionHours: number };
  /** On AWS: keeps buckets, tables, keys and stream when their stack is deleted, and refuses to delete tables. */
  isDataRetained: boolean;
  /** On AWS: reserves the concurrency that each function may need, of the account's, and so caps it. */
  isConcurrencyReserved: boolean;
  /** On AWS: days after which raw records are deleted. */
  rawRetentionDays: number;
  /** On AWS: what the account may cost in a month, in US dollars. */
  monthlyBudgetUsd: number;
  /** On AWS: datasets that are expected, and how many hours old the newest record may be that readers see when a run ends. */
  freshnessHours: Partial<Record<Dataset, number>>;
  /** On AWS: names of tables that were restored, which stand for those of the stack from the next deployment on. */
  restoredTables?: Partial<Record<HotTable | 'vault' | 'ledger', string>>;
  warehouse: WarehouseSettings;
  analysts?: AnalystSettings;
}

export interface WarehouseSettings {
  /** On AWS: most capacity of the warehouse, in Redshift Processing Units; at rest it has 4, and costs nothing. */
  maxRpus: number;
  /** A network that exists, in place of one of its own: at least two subnets in two availability zones. */
  vpc?: { vpcId: string; subnetIds: string[] };
  /** Names of the two availability zones in which its own network lies; where nothing is said, the first two of the region. */
  zones?: string[];
}

export interface AnalystSettings {
  /** ARNs of who may take the role of analysts; where none is named, whom the account lets, with a second factor. */
  principals: string[];
}

export function readSettings(root: string, name = 'local'): DeploymentSettings {
  const file = `config/${name}.yaml`;
  const settings: unknown = parse(readFileSync(join(root, file), 'utf8'));
  const validate = new Ajv2020().compile(JSON.parse(readFileSync(join(root, 'config/schema.json'), 'utf8')));
  if (!validate(settings)) {
    const { instancePath, message, params } = validate.errors![0]!;
    const unknown = params.additionalProperty === undefined ? '' : `, got ${params.additionalProperty}`;
    throw new RefusedInput(`${file}: ${instancePath.slice(1).replaceAll('/', '.') || 'the file'} ${message}${unknown}`);
  }
  const defaults = {
    schedule: 'daily',
    models: { maxWorkers: 2 },
    isDataRetained: true,
    isConcurrencyReserved: false,
    rawRetentionDays: 400,
    monthlyBudgetUsd: 50,
    freshnessHours: { events: 6, customers: 192, products: 192, transactions: 30 },
  } as const;
  const given = settings as Omit<DeploymentSettings, keyof typeof defaults | 'warehouse'> & Partial<DeploymentSettings>;
  if (given.warehouse?.vpc && given.warehouse.zones) {
    throw new RefusedInput(`${file}: warehouse.zones is for a network of its own; leave it or warehouse.vpc out`);
  }
  return { ...defaults, ...given, warehouse: { maxRpus: 8, ...given.warehouse } };
}

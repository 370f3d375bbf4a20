/** Reads a deployment's settings (`config/*.yaml`) and checks them against `config/schema.json`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import type { Dataset } from '../contracts/index.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import type { Settings } from '../ports.ts';

export interface LocalSettings extends Settings {
  /** How often the pipeline runs by itself. */
  schedule: 'daily' | 'hourly';
  /** Most workers of a run of the models on Glue. */
  models: { maxWorkers: number };
  alerts?: { email?: string; slackWebhookUrl?: string };
  stream: { shards: number; retentionHours: number };
  /** On AWS: whether data outlive their stack, and after how many days raw records end. */
  isDataRetained: boolean;
  rawRetentionDays: number;
  /** On AWS: whether each function has a part of the account's concurrency, and no more. */
  isConcurrencyReserved: boolean;
  /** On AWS: what the account may cost in a month, and how old what readers see of a dataset may be. */
  monthlyBudgetUsd: number;
  freshnessHours: Partial<Record<Dataset, number>>;
  /** On AWS: the warehouse's size and network, and who may query it. */
  warehouse: { maxRpus: number; vpc?: { vpcId: string; subnetIds: string[] } };
  analysts?: { principals: string[] };
}

export function readSettings(root: string, name = 'local'): LocalSettings {
  const file = `config/${name}.yaml`;
  const settings: unknown = parse(readFileSync(join(root, file), 'utf8'));
  const validate = new Ajv2020().compile(JSON.parse(readFileSync(join(root, 'config/schema.json'), 'utf8')));
  if (!validate(settings)) {
    const { instancePath, message } = validate.errors![0]!;
    throw new RefusedInput(`${file}: ${instancePath.slice(1).replaceAll('/', '.') || 'the file'} ${message}`);
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
  const given = settings as Omit<LocalSettings, keyof typeof defaults | 'warehouse'> & Partial<LocalSettings>;
  return { ...defaults, ...given, warehouse: { maxRpus: 8, ...given.warehouse } };
}

/** Reads a deployment's settings (`config/*.yaml`) and checks them against `config/schema.json`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
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
    rawRetentionDays: 400,
  } as const;
  return { ...defaults, ...(settings as Omit<LocalSettings, keyof typeof defaults>) };
}

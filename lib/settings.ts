/** What a deployment sets (`config/<environment>.yaml`), as the stacks read it. */
import type { MeasuredDataset } from '../src/domain/metrics/custom-metrics.ts';

export interface DeploymentSettings {
  reportingCurrency: string;
  /** How often the pipeline runs: each day at 03:00 UTC, or each full hour. */
  schedule: 'daily' | 'hourly';
  /** How far the Glue job may grow. */
  models: { maxWorkers: number };
  stream: { shards: number; retentionHours: number };
  /** True keeps buckets, tables, keys and stream when their stack is deleted, and refuses to delete tables. */
  isDataRetained: boolean;
  /** True reserves the concurrency that each function may need, of the account's, and so caps it. */
  isConcurrencyReserved: boolean;
  /** Days after which raw records are deleted. */
  rawRetentionDays: number;
  /** What the account may cost in a month, in US dollars. */
  monthlyBudgetUsd: number;
  /** Datasets that are expected, and how many hours old the newest record may be that readers see when a run ends. */
  freshnessHours: Partial<Record<MeasuredDataset, number>>;
  /** Who gets the alerts by e-mail. */
  alerts?: { email?: string };
  warehouse: WarehouseSettings;
  analysts?: AnalystSettings;
}

export interface WarehouseSettings {
  /** Most capacity of the warehouse, in Redshift Processing Units; at rest it has 4, and costs nothing. */
  maxRpus: number;
  /** A network that exists, in place of one of its own: at least two subnets in two availability zones. */
  vpc?: { vpcId: string; subnetIds: string[] };
}

export interface AnalystSettings {
  /** ARNs of who may take the role of analysts; where none is named, whom the account lets, with a second factor. */
  principals: string[];
}

/** What a deployment sets (`config/<environment>.yaml`), as the stacks read it. */

export interface DeploymentSettings {
  reportingCurrency: string;
  /** How often the pipeline runs: each day at 03:00 UTC, or each full hour. */
  schedule: 'daily' | 'hourly';
  /** How far the Glue job may grow. */
  models: { maxWorkers: number };
  stream: { shards: number; retentionHours: number };
  /** True keeps buckets, tables, keys and stream when their stack is deleted, and refuses to delete tables. */
  isDataRetained: boolean;
  /** Days after which raw records are deleted. */
  rawRetentionDays: number;
  /** Who gets the alerts by e-mail. */
  alerts?: { email?: string };
}

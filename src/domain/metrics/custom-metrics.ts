/** The platform's own metrics: the one list that functions emit by and that alarms and graphs read by. */

import { datasets } from '../../contracts/index.ts';

/** Namespace in CloudWatch. */
export const metricsNamespace = 'Customer360';

/** The kinds of input, whose doors and ages are measured. */
export const measuredDatasets = datasets;

/** Values of dimensions are few and known beforehand: datasets, outcomes, steps. Each combination is a metric that costs. */
export type MetricDimension = 'Environment' | 'Dataset' | 'Outcome' | 'Step';

interface MetricRow {
  unit: 'Count' | 'Seconds';
  dimensions: readonly MetricDimension[];
}

export const customMetrics = {
  /** Records that came to a dataset's door, and what became of each: at most once, since a call may end between its counts and this. */
  ReceivedRecords: { unit: 'Count', dimensions: ['Environment', 'Dataset'] },
  RawRecords: { unit: 'Count', dimensions: ['Environment', 'Dataset'] },
  QuarantinedRecords: { unit: 'Count', dimensions: ['Environment', 'Dataset'] },
  /** Of erased people. */
  SuppressedRecords: { unit: 'Count', dimensions: ['Environment', 'Dataset'] },
  EndedRuns: { unit: 'Count', dimensions: ['Environment', 'Outcome'] },
  RunSeconds: { unit: 'Seconds', dimensions: ['Environment'] },
  StepSeconds: { unit: 'Seconds', dimensions: ['Environment', 'Step'] },
  /** 1 where the run's load failed, 0 where the warehouse holds what is published; nothing where the run did not come so far. */
  FailedLoads: { unit: 'Count', dimensions: ['Environment'] },
  /** Checks of a run by which two counts had to agree and did not, in gates and in the load; nothing where it came to neither. */
  RowCountMismatches: { unit: 'Count', dimensions: ['Environment'] },
  /** Age of the newest record of a dataset that readers see, by its arrival, when a run ended. */
  AgeSeconds: { unit: 'Seconds', dimensions: ['Environment', 'Dataset'] },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof customMetrics;

/** Values that were measured together, under the same dimensions but the environment's. */
export interface Measurement {
  dimensions: Partial<Record<Exclude<MetricDimension, 'Environment'>, string>>;
  values: Partial<Record<MetricName, number>>;
}

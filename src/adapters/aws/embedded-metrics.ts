/**
 * Metrics of functions in CloudWatch's embedded metric format: a line of JSON in the log, of which CloudWatch makes metrics, without
 * a call and without a right. The line must be the whole log event; `console` puts the time and the request before it.
 * Written here, since Powertools' Metrics put a dimension `service` into every metric, and 15 kB into every bundle.
 */
import type { Dataset } from '../../contracts/index.ts';
import {
  customMetrics,
  type Measurement,
  type MetricName,
  metricsNamespace,
} from '../../domain/metrics/custom-metrics.ts';
import { type EndedRun, measureDoor, measureRun } from '../../domain/metrics/measure.ts';
import { read, type Variables } from './environment.ts';

export interface EmbeddedMetrics {
  door(dataset: Dataset, counts: Parameters<typeof measureDoor>[1]): void;
  run(ended: EndedRun): void;
}

/** Variables: C360_ENVIRONMENT, the name of the deployment. AdapterError where it is missing. */
export function embeddedMetrics(
  variables: Variables,
  write: (line: string) => void = (line) => process.stdout.write(line),
): EmbeddedMetrics {
  const environment = read(variables, 'C360_ENVIRONMENT');
  const emit = (measurements: Measurement[]) => {
    for (const one of measurements) write(`${JSON.stringify(metricDocument(one, environment, Date.now()))}\n`);
  };
  return {
    door: (dataset, counts) => emit(measureDoor(dataset, counts)),
    run: (ended) => emit(measureRun(ended)),
  };
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html */
function metricDocument({ dimensions, values }: Measurement, environment: string, now: number): object {
  const all = { Environment: environment, ...dimensions };
  const Metrics = (Object.keys(values) as MetricName[]).map((Name) => ({ Name, Unit: customMetrics[Name].unit }));
  const directive = { Namespace: metricsNamespace, Dimensions: [Object.keys(all)], Metrics };
  return { _aws: { Timestamp: now, CloudWatchMetrics: [directive] }, ...all, ...values };
}

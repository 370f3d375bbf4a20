/** The graphs of the dashboard, a row each: what is going on, in the order of the data. */
import { measuredDatasets } from '../../src/domain/metrics/custom-metrics.ts';
import { ingestionFunctions } from '../ingestion-functions.ts';
import type { Watched, WatchedMetric } from './watched.ts';

export interface GraphRow {
  /** A sentence that says what one sees. */
  title: string;
  periodMinutes: number;
  /** Label -> metric, on the left axis. */
  left: Record<string, WatchedMetric>;
  /** What is measured in other units. */
  right?: Record<string, WatchedMetric>;
  /** Label -> expression, which may search metrics whose dimensions are not all known beforehand. */
  expressions?: Record<string, { expression: string; using?: Record<string, WatchedMetric> }>;
  /** Section of docs/runbook.md that helps where it looks wrong. */
  section: string;
}

const day = 24 * 60;
const functions = Object.keys(ingestionFunctions);

export function graphRows(watched: Watched): GraphRow[] {
  return [...streamGraphs(watched), ...doorGraphs(watched), ...pipelineGraphs(watched), ...storeGraphs(watched)];
}

function streamGraphs({ function: of, stream, archiveMapping }: Watched): GraphRow[] {
  return [
    {
      title: 'How far the archive is behind the stream (milliseconds)',
      periodMinutes: 5,
      left: { 'iterator age': of('archive-events')('IteratorAge', 'Maximum') },
      section: 'iterator-age',
    },
    {
      title: 'What comes into the stream, and what it refuses',
      periodMinutes: 5,
      left: {
        records: stream('IncomingRecords'),
        'writes refused': stream('WriteProvisionedThroughputExceeded'),
        'reads refused': stream('ReadProvisionedThroughputExceeded'),
      },
      right: { bytes: stream('IncomingBytes') },
      section: 'stream-throttles',
    },
    {
      title: 'What Lambda handed to the archive, and what it gave up',
      periodMinutes: 5,
      left: {
        polled: archiveMapping('PolledEventCount'),
        'asked for again': archiveMapping('FailedInvokeEventCount'),
        'to the failures bucket': archiveMapping('OnFailureDestinationDeliveredEventCount'),
        lost: archiveMapping('DroppedEventCount'),
      },
      section: 'on-failure-objects',
    },
  ];
}

function doorGraphs({ function: of, landing, deadLetters, own }: Watched): GraphRow[] {
  const each = (metric: string, statistic: 'Sum' | 'Maximum' = 'Sum') =>
    Object.fromEntries(functions.map((flow) => [`${flow} ${metric}`, of(flow)(metric, statistic)]));
  return [
    {
      title: 'Calls of the doors, their errors and what had to wait for concurrency',
      periodMinutes: 5,
      left: { ...each('Invocations'), ...each('Errors'), ...each('Throttles') },
      right: each('ConcurrentExecutions', 'Maximum'),
      section: 'consumer-errors',
    },
    {
      title: 'How long the doors take (milliseconds, the longest call)',
      periodMinutes: 5,
      left: each('Duration', 'Maximum'),
      section: 'consumer-errors',
    },
    {
      title: 'Landed files that wait, and those that failed five times',
      periodMinutes: 5,
      left: {
        waiting: landing('ApproximateNumberOfMessagesVisible', 'Maximum'),
        failed: deadLetters('ApproximateNumberOfMessagesVisible', 'Maximum'),
      },
      right: { 'oldest (seconds)': landing('ApproximateAgeOfOldestMessage', 'Maximum') },
      section: 'landing-dead-letters',
    },
    {
      title: 'Records that came in as raw, by dataset, and those suppressed',
      periodMinutes: 60,
      left: Object.fromEntries(measuredDatasets.map((Dataset) => [Dataset, own('RawRecords', { Dataset })])),
      right: Object.fromEntries(
        measuredDatasets.map((Dataset) => [`${Dataset} suppressed`, own('SuppressedRecords', { Dataset })]),
      ),
      section: 'freshness',
    },
    {
      title: 'How many of a hundred records the doors refuse',
      periodMinutes: 60,
      left: {},
      expressions: Object.fromEntries(
        measuredDatasets.map((Dataset) => {
          const using = {
            [`refused_${Dataset}`]: own('QuarantinedRecords', { Dataset }),
            [`received_${Dataset}`]: own('ReceivedRecords', { Dataset }),
          };
          return [Dataset, { expression: `100 * refused_${Dataset} / received_${Dataset}`, using }];
        }),
      ),
      section: 'quarantine-rate',
    },
  ];
}

function pipelineGraphs({ pipeline, own }: Watched): GraphRow[] {
  const outcomes = ['succeeded', 'idle', 'failed', 'interrupted'];
  return [
    {
      title: 'Runs of the pipeline that ended, by how they ended',
      periodMinutes: 60,
      left: {
        succeeded: pipeline('ExecutionsSucceeded'),
        failed: pipeline('ExecutionsFailed'),
        'timed out': pipeline('ExecutionsTimedOut'),
        stopped: pipeline('ExecutionsAborted'),
      },
      right: Object.fromEntries(outcomes.map((Outcome) => [`told as ${Outcome}`, own('EndedRuns', { Outcome })])),
      section: 'pipeline-failed',
    },
    {
      title: 'How long runs take, and in them the models on Glue, without its start, and the load (seconds)',
      periodMinutes: 60,
      left: {
        run: own('RunSeconds', {}, 'Maximum'),
        'clean models': own('StepSeconds', { Step: 'clean models' }, 'Maximum'),
        'curated models': own('StepSeconds', { Step: 'curated models' }, 'Maximum'),
        'load warehouse': own('StepSeconds', { Step: 'load warehouse' }, 'Maximum'),
      },
      section: 'glue-failed',
    },
    {
      title: 'How old the newest record was that readers saw when a run ended (seconds)',
      periodMinutes: 60,
      left: Object.fromEntries(measuredDatasets.map((Dataset) => [Dataset, own('AgeSeconds', { Dataset }, 'Maximum')])),
      section: 'freshness',
    },
    {
      title: 'Loads that failed, and counts that had to agree and did not',
      periodMinutes: 60,
      left: {
        'loads failed': own('FailedLoads', {}, 'Maximum'),
        'counts that differ': own('RowCountMismatches', {}, 'Maximum'),
      },
      section: 'row-count-mismatch',
    },
  ];
}

function storeGraphs({ warehouse, lake }: Watched): GraphRow[] {
  const { namespace, dimensions } = warehouse('QueryDuration');
  const ofQueries = `Namespace="${namespace}" MetricName="QueryDuration" Workgroup="${dimensions.Workgroup}"`;
  return [
    {
      title:
        'What the warehouse computes, which is what it costs (RPU seconds), and how long queries take (microseconds)',
      periodMinutes: 60,
      left: { 'RPU seconds': warehouse('ComputeSeconds') },
      // Redshift measures durations by classes that it names itself.
      expressions: { 'query duration': { expression: `SEARCH('${ofQueries}', 'Average', 3600)` } },
      section: 'load-failed',
    },
    {
      title: 'How the lake grows (bytes, and objects)',
      periodMinutes: day,
      left: { bytes: lake('StandardStorage')('BucketSizeBytes', 'Average') },
      right: { objects: lake('AllStorageTypes')('NumberOfObjects', 'Average') },
      section: 'monthly-budget',
    },
  ];
}

/**
 * Everything that is watched, a row each. A new alarm is a row here and its section in docs/runbook.md, which a test asks for.
 * Each CloudWatch alarm costs by the metrics that it reads: ten are free, then $0.10 a month each.
 */
import { measuredDatasets } from '../../src/domain/metrics/custom-metrics.ts';
import type { DeploymentSettings } from '../../src/local/settings.ts';
import type { Watched, WatchedMetric } from './watched.ts';

interface Row {
  id: string;
  /** `critical`: data are late, wrong or in danger; look at once. `warning`: look the same day. */
  severity: 'critical' | 'warning';
  /** What it means that it fires, in a sentence. */
  says: string;
  /** Its section in docs/runbook.md. */
  section: string;
}

export interface AlarmRow extends Row {
  /** One metric, or those that the expression names; a text is an expression of the metrics before it. */
  metrics: Record<string, WatchedMetric | string>;
  expression?: string;
  periodMinutes: number;
  /** The newest periods that are looked at, and how many of them must breach; all of them where nothing is said. */
  periods: number;
  breachingPeriods?: number;
  comparison: '>' | '<';
  threshold: number;
  missing: 'breaching' | 'notBreaching' | 'ignore';
  whyMissing: string;
}

/** At every hour one run, or one a day at 03:00: hours after which one must have succeeded, the run's own duration included. */
const hoursToNextSuccess = { hourly: 3, daily: 26 } as const;

const hourMs = 3_600_000;
const noRecordNoFault =
  'Where nothing is read or written nothing can fail; what does not come at all is told by freshness';
const untilMeasured = 'Only runs measure it, and what one found holds until another has found something else';

export function alarmRows(watched: Watched, settings: DeploymentSettings): AlarmRow[] {
  return [...streamRows(watched, settings), ...doorRows(watched), ...runRows(watched, settings)];
}

const fiveMinutes = { periodMinutes: 5, periods: 1 };
const anyOf = { comparison: '>', threshold: 0, missing: 'notBreaching', whyMissing: noRecordNoFault } as const;

function streamRows({ function: of, archiveMapping, stream }: Watched, settings: DeploymentSettings): AlarmRow[] {
  const archive = of('archive-events');
  return [
    {
      id: 'iterator-age',
      severity: 'critical',
      says: 'The archive is behind by half of the time that the stream keeps records: they are lost when it is over',
      section: 'iterator-age',
      metrics: { age: archive('IteratorAge', 'Maximum') },
      periodMinutes: 5,
      periods: 3,
      comparison: '>',
      threshold: (settings.stream.retentionHours * hourMs) / 2,
      missing: 'notBreaching',
      whyMissing: noRecordNoFault,
    },
    {
      ...anyOf,
      id: 'archive-errors',
      severity: 'critical',
      says: 'The archive fails again and again: records wait in the stream',
      section: 'consumer-errors',
      // A call that asks for its batch again is no error of the function, but its events are told as not handed over.
      metrics: { errors: archive('Errors'), refused: archiveMapping('FailedInvokeEventCount') },
      expression: 'SUM([errors, refused])',
      periodMinutes: 5,
      periods: 3,
      breachingPeriods: 2,
    },
    {
      ...anyOf,
      ...fiveMinutes,
      id: 'on-failure-objects',
      severity: 'critical',
      says: 'Lambda gave records up and put them into the failures bucket, which keeps them for seven days',
      section: 'on-failure-objects',
      metrics: { delivered: archiveMapping('OnFailureDestinationDeliveredEventCount') },
    },
    {
      ...anyOf,
      ...fiveMinutes,
      id: 'events-dropped',
      severity: 'critical',
      says: 'Lambda gave records up and could not put them into the failures bucket either: they are lost to the lake',
      section: 'events-dropped',
      metrics: { dropped: archiveMapping('DroppedEventCount') },
    },
    {
      ...anyOf,
      id: 'stream-write-throttles',
      severity: 'warning',
      says: 'Producers write more than the shards take, and have to send again',
      section: 'stream-throttles',
      metrics: { throttled: stream('WriteProvisionedThroughputExceeded') },
      periodMinutes: 5,
      periods: 3,
    },
    {
      ...anyOf,
      id: 'stream-read-throttles',
      severity: 'warning',
      says: 'Consumers read more often or more than the shards give',
      section: 'stream-throttles',
      metrics: { throttled: stream('ReadProvisionedThroughputExceeded') },
      periodMinutes: 5,
      periods: 3,
    },
  ];
}

function doorRows({ function: of, landing, deadLetters, own }: Watched): AlarmRow[] {
  return [
    {
      ...anyOf,
      ...fiveMinutes,
      id: 'ingest-errors',
      severity: 'warning',
      says: 'The door of files was ended by an error or by its time limit; the queue tries the file again',
      section: 'consumer-errors',
      metrics: { errors: of('ingest-batch')('Errors') },
    },
    {
      ...anyOf,
      id: 'function-throttles',
      severity: 'warning',
      says: 'The account has no concurrency left for the doors: what comes in waits',
      section: 'function-throttles',
      metrics: { archive: of('archive-events')('Throttles'), ingest: of('ingest-batch')('Throttles') },
      expression: 'SUM([archive, ingest])',
      periodMinutes: 5,
      periods: 3,
    },
    {
      ...fiveMinutes,
      id: 'landing-dead-letters',
      severity: 'critical',
      says: 'A landed file failed five times, and nobody tries it again; landing keeps it for a day',
      section: 'landing-dead-letters',
      metrics: { waiting: deadLetters('ApproximateNumberOfMessagesVisible', 'Maximum') },
      comparison: '>',
      threshold: 0,
      missing: 'notBreaching',
      whyMissing: 'A queue that holds a message is measured; one that was empty and unused for hours is not',
    },
    {
      ...fiveMinutes,
      id: 'landing-oldest-message',
      severity: 'warning',
      says: 'A landed file has waited for two hours; landing keeps it for a day',
      section: 'landing-oldest-message',
      metrics: { age: landing('ApproximateAgeOfOldestMessage', 'Maximum') },
      comparison: '>',
      threshold: 2 * 3600,
      missing: 'notBreaching',
      whyMissing: 'A queue that holds a message is measured; one that was empty and unused for hours is not',
    },
    ...measuredDatasets.map((Dataset): AlarmRow => {
      return {
        id: `quarantine-rate-${Dataset}`,
        severity: 'warning',
        says: `More than one in twenty records of ${Dataset} was refused within an hour, and five at least`,
        section: 'quarantine-rate',
        metrics: { refused: own('QuarantinedRecords', { Dataset }), received: own('ReceivedRecords', { Dataset }) },
        expression: 'IF(refused < 5, 0, 100 * refused / received)',
        periodMinutes: 60,
        periods: 1,
        comparison: '>',
        threshold: 5,
        missing: 'notBreaching',
        whyMissing: 'An hour without records has none that were refused',
      };
    }),
  ];
}

function runRows(
  { function: of, pipeline, own }: Watched,
  { schedule, freshnessHours }: DeploymentSettings,
): AlarmRow[] {
  const hours = hoursToNextSuccess[schedule];
  const noSuccess = { periodMinutes: 60, periods: hours, missing: 'breaching' } as const;
  // An execution that met another run has succeeded for Step Functions, and nothing has run: runs count their ends themselves.
  const successes = {
    succeeded: own('EndedRuns', { Outcome: 'succeeded' }),
    idle: own('EndedRuns', { Outcome: 'idle' }),
  };
  return [
    {
      ...fiveMinutes,
      id: 'pipeline-failed',
      severity: 'critical',
      says: 'A run of the pipeline failed, and none has succeeded since: readers see what was published before',
      section: 'pipeline-failed',
      metrics: {
        failed: pipeline('ExecutionsFailed'),
        timed_out: pipeline('ExecutionsTimedOut'),
        aborted: pipeline('ExecutionsAborted'),
        ...successes,
        // A success counts as none that failed, so that the alarm ends with it.
        none_failed: '0 * SUM([succeeded, idle])',
      },
      expression: 'SUM([failed, timed_out, aborted, none_failed])',
      comparison: '>',
      threshold: 0,
      missing: 'ignore',
      whyMissing: untilMeasured,
    },
    {
      ...noSuccess,
      id: 'pipeline-late',
      severity: 'critical',
      says: `No run of the pipeline has succeeded for ${hours} hours; a run that finds nothing new is a success too`,
      section: 'pipeline-late',
      metrics: successes,
      expression: 'SUM([succeeded, idle])',
      comparison: '<',
      threshold: 1,
      whyMissing: 'A run that was never started leaves no data: that is what this alarm is for',
    },
    {
      ...fiveMinutes,
      id: 'load-failed',
      severity: 'critical',
      says: 'The warehouse does not hold what is published: its last load failed and was rolled back whole',
      section: 'load-failed',
      metrics: { failed: own('FailedLoads', {}, 'Maximum') },
      comparison: '>',
      threshold: 0,
      missing: 'ignore',
      whyMissing: untilMeasured,
    },
    {
      ...fiveMinutes,
      id: 'row-count-mismatch',
      severity: 'critical',
      says: 'Counts that must agree did not, between layers or between lake and warehouse: nothing of it was published or loaded',
      section: 'row-count-mismatch',
      metrics: { mismatches: own('RowCountMismatches', {}, 'Maximum') },
      comparison: '>',
      threshold: 0,
      missing: 'ignore',
      whyMissing: untilMeasured,
    },
    {
      ...anyOf,
      ...fiveMinutes,
      id: 'upkeep-failed',
      severity: 'warning',
      says: 'The weekly upkeep of the warehouse or of the lake failed three times, and waits for the next week',
      section: 'upkeep-failed',
      // Calls that Lambda gave up: what a second or third try mends is told to nobody.
      metrics: {
        maintain: of('maintain-warehouse')('AsyncEventsDropped'),
        vacuum: of('vacuum-lake')('AsyncEventsDropped'),
      },
      expression: 'SUM([maintain, vacuum])',
      whyMissing: 'It is called once a week, and of a call that succeeded nothing is measured',
    },
    ...measuredDatasets.flatMap((Dataset): AlarmRow[] => {
      const mostHours = freshnessHours[Dataset];
      if (mostHours === undefined) return [];
      return [
        {
          ...noSuccess,
          id: `freshness-${Dataset}`,
          severity: 'warning',
          says: `What readers see of ${Dataset} ended more than ${mostHours} hours before the newest run, or no run told`,
          section: 'freshness',
          metrics: { age: own('AgeSeconds', { Dataset }, 'Maximum') },
          comparison: '>',
          threshold: mostHours * 3600,
          whyMissing: 'An expected dataset that never came has no age, and without a run nobody measures it',
        },
      ];
    }),
  ];
}

/** What other services tell the topic of themselves, without an alarm of CloudWatch and so without its price. */
export const noticeRows = {
  glueFailed: {
    id: 'glue-failed',
    severity: 'warning',
    says: 'A run of the Glue job failed or was stopped; the pipeline tries a failed one once more',
    section: 'glue-failed',
  },
  monthlyBudget: {
    id: 'monthly-budget',
    severity: 'warning',
    says: 'The account will cost 80 % of the monthly budget by its forecast, or has cost all of it',
    section: 'monthly-budget',
  },
} as const satisfies Record<string, Row>;

export const runbookOf = ({ section }: Pick<Row, 'section'>): string => `docs/runbook.md#${section}`;

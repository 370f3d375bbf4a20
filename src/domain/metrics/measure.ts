/** What is measured at the doors and of runs, under the names of `custom-metrics.ts`. */
import { type Dataset, datasets } from '../../contracts/index.ts';
import type { Snapshot } from '../lake/snapshot.ts';
import type { QualityReport } from '../quality/report.ts';
import type { Measurement } from './custom-metrics.ts';

interface DoorFigures {
  received: number;
  raw: number;
  quarantined: number;
  suppressed: number;
}

/** A run that ended, and what readers see since. */
export interface EndedRun {
  status: 'succeeded' | 'idle' | 'failed' | 'interrupted';
  startedAt: string;
  finishedAt: string;
  steps: { step: string; seconds: number }[];
  failedStep?: string;
  reason?: string;
  /** Undefined where the run came to no gate. */
  report: Pick<QualityReport, 'checks'> | undefined;
  /** The newest; undefined where none is published. */
  snapshot: Pick<Snapshot, 'consumed' | 'consumedSince' | 'counts'> | undefined;
}

/** Nothing where no record came: a batch that was archived before. */
export function measureDoor(dataset: Dataset, figures: DoorFigures): Measurement[] {
  if (figures.received === 0) return [];
  const values = {
    ReceivedRecords: figures.received,
    RawRecords: figures.raw,
    QuarantinedRecords: figures.quarantined,
    SuppressedRecords: figures.suppressed,
  };
  return [{ dimensions: { Dataset: dataset }, values }];
}

export function measureRun(run: EndedRun): Measurement[] {
  const seconds = secondsBetween(run.startedAt, run.finishedAt);
  return [
    { dimensions: { Outcome: run.status }, values: { EndedRuns: 1 } },
    { dimensions: {}, values: { RunSeconds: seconds, ...loadOf(run), ...mismatchesOf(run) } },
    ...run.steps.map((step) => ({ dimensions: { Step: step.step }, values: { StepSeconds: step.seconds } })),
    ...agesOf(run),
  ];
}

const loadStep = 'load warehouse';

/** An idle run has found the warehouse loaded. What failed behind the load, the answers, is not the load's fault. */
function loadOf({ status, failedStep, steps }: EndedRun): Measurement['values'] {
  if (failedStep === loadStep) return { FailedLoads: 1 };
  return status === 'idle' || hasLoaded(steps) ? { FailedLoads: 0 } : {};
}

/** A step is noted when it is done. */
const hasLoaded = (steps: EndedRun['steps']): boolean => steps.some(({ step }) => step === loadStep);

/** By this name the load tells that a table does not hold the rows that its manifest promises. */
const loadComparison = 'load/compare_rows.sql';

function mismatchesOf({ report, failedStep, reason = '', steps }: EndedRun): Measurement['values'] {
  const isLoadsFault = failedStep === loadStep && reason.includes(loadComparison);
  if (!report && !isLoadsFault && !hasLoaded(steps)) return {};
  const broken = (report?.checks ?? []).filter(
    ({ kind, outcome }) =>
      (kind === 'reconciliation' || kind === 'row_count') && (outcome === 'failed' || outcome === 'errored'),
  );
  return { RowCountMismatches: broken.length + (isLoadsFault ? 1 : 0) };
}

/**
 * Ages of the datasets that ever came in, to the hour: keys of raw objects name the hour of arrival. Of one without a key in the
 * window that the snapshot remembers it is known only that it is older than that.
 */
function agesOf({ snapshot, finishedAt }: EndedRun): Measurement[] {
  if (!snapshot) return [];
  const { consumed, consumedSince, counts } = snapshot;
  return datasets.flatMap((dataset): Measurement[] => {
    if (!counts[dataset]) return [];
    const hours = consumed.flatMap((key) => (key.startsWith(`raw/${dataset}/`) ? [arrivalHourOfKey(key)] : []));
    const newest = hours.reduce((latest, hour) => (hour > latest ? hour : latest), `${consumedSince}T00:00:00Z`);
    return [{ dimensions: { Dataset: dataset }, values: { AgeSeconds: secondsBetween(newest, finishedAt) } }];
  });
}

const arrivalHourOfKey = (key: string): string => {
  const [, day = '', hour = ''] = /\/dt=([\d-]+)\/hour=(\d\d)\//.exec(key) ?? [];
  return `${day}T${hour}:00:00Z`;
};

const secondsBetween = (from: string, to: string): number =>
  Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));

/** What a deployment does in a month at a rate of events: calls, seconds, bytes, and what has to grow for it. */
import { assume } from './assumptions.ts';
import { callsAMonth } from './schedule.ts';
import { numberOf, type Resource } from './templates.ts';

export interface Scenario {
  title: string;
  eventsADay: number;
}

export const scenarios: Scenario[] = [
  { title: 'idle', eventsADay: 0 },
  { title: '1 M a day', eventsADay: 1_000_000 },
  { title: '100 M a day', eventsADay: 100_000_000 },
];

export interface Workload {
  /** A month. */
  events: number;
  /** Shards and workers that the rate needs; at least those of the template. */
  shards: number;
  workers: number;
  /** Capacity with which the answers are in time; at least that of the template. */
  rpus: number;
  archive: Calls;
  /** Calls a month of each flow that a function runs. */
  calls: Record<string, Calls>;
  /** Runs of the pipeline a month, of which `newRuns` find something new. */
  runs: number;
  newRuns: number;
  /** Calls a month that look after the warehouse; those that look after the lake ask it at the same time. */
  upkeep: number;
  transitions: number;
  dpuSeconds: number;
  rpuSeconds: number;
  newPersons: number;
  /** Kept after the first year, in bytes. */
  stored: { lake: number; warehouse: number; tables: number };
}

interface Calls {
  number: number;
  seconds: number;
}

const aMonth = (aDay: number) => (aDay * assume('hoursAMonth')) / 24;

/** What the deployment of these resources does in a month. Throws an Error where the templates lack what it is told by. */
export function workloadOf(resources: Resource[], { eventsADay }: Scenario): Workload {
  const events = aMonth(eventsADay);
  const shards = shardsFor(resources, eventsADay);
  const archive = archiveCalls(resources, eventsADay, shards);
  const runs = runsAMonth(resources);
  const newRuns = eventsADay > 0 ? runs : 0;
  const job = jobRuns(resources, newRuns, newRuns > 0 ? events / newRuns : 0);
  const upkeep = upkeepOf(resources, 'maintain-warehouse');
  const vacuums = upkeepOf(resources, 'vacuum-lake');
  const warehouse = warehouseWork(resources, runs, newRuns, eventsADay);
  const days = assume('historyDays');
  return {
    events,
    shards,
    archive,
    runs,
    newRuns,
    upkeep,
    calls: callsOf({ archive, runs, newRuns, upkeep, vacuums, answerSeconds: warehouse.answerSeconds }),
    transitions: newRuns > 0 ? newRuns * assume('transitions') : runs * assume('idleTransitions'),
    ...job,
    ...warehouse,
    newPersons: events * assume('newPersons'),
    stored: {
      lake: eventsADay * (days * assume('rawBytes') + (days + replacedDays(newRuns, vacuums)) * assume('lakeBytes')),
      warehouse: eventsADay * days * assume('warehouseBytes'),
      tables:
        eventsADay * days * assume('newPersons') * assume('personBytes') +
        ((archive.number * days) / aMonth(1)) * assume('batchBytes'),
    },
  };
}

/** Days' worth of events that lie in replaced files: of kept snapshots, and of those that nobody has cleared away yet. */
function replacedDays(newRuns: number, vacuums: number): number {
  const runsADay = newRuns / aMonth(1);
  const waitingDays = vacuums > 0 ? assume('replacedDays') : assume('historyDays');
  return (assume('keptSnapshots') + runsADay * waitingDays) * assume('rewrittenDays');
}

const ofType = (resources: Resource[], type: string): Resource[] =>
  resources.filter((resource) => resource.type === type);

function shardsFor(resources: Resource[], eventsADay: number): number {
  const deployed = ofType(resources, 'AWS::Kinesis::Stream').map((stream) => numberOf(stream, 'ShardCount'));
  const aSecond = (eventsADay / 86_400) * assume('peak');
  const needed = Math.max(aSecond / assume('shardRecords'), (aSecond * assume('eventBytes')) / assume('shardBytes'));
  return Math.max(...deployed, 0, Math.ceil(needed));
}

/** A call takes what came within the window, at most a batch, and at most what a call's input may hold. */
function archiveCalls(resources: Resource[], eventsADay: number, shards: number): Calls {
  const mapping = ofType(resources, 'AWS::Lambda::EventSourceMapping').find(isOfStream);
  const archive = resources.find(({ flow }) => flow === 'archive-events');
  if (!mapping || !archive || eventsADay === 0) return { number: 0, seconds: 0 };
  const recordBytes = (assume('eventBytes') * 4) / 3 + assume('recordOverhead');
  const most = Math.min(numberOf(mapping, 'BatchSize', 100), Math.floor(assume('callBytes') / recordBytes));
  const windowSeconds = Math.max(numberOf(mapping, 'MaximumBatchingWindowInSeconds', 0), 1);
  const ofShard = eventsADay / 86_400 / shards;
  const perCall = Math.max(1, Math.min(most, ofShard * windowSeconds));
  const cores = Math.min(numberOf(archive, 'MemorySize', 128) / assume('coreMemory'), 1);
  const seconds = assume('archiveWaitMs') / 1e3 + (perCall * assume('archiveMicroseconds')) / 1e6 / cores;
  const number = aMonth(eventsADay) / perCall;
  return { number, seconds: number * seconds };
}

/** Streams are read from a position; queues are not. */
export const isOfStream = ({ properties }: Resource): boolean => properties.StartingPosition !== undefined;

/** Calls a month of a resource by the schedules of its template, which name it as their target. */
function scheduledCalls(resources: Resource[], target: Resource): number {
  const schedules = ofType(resources, 'AWS::Scheduler::Schedule').filter(({ properties, stack }) => {
    const { Arn } = properties.Target as { Arn: { Ref?: string; 'Fn::GetAtt'?: string[] } };
    return stack === target.stack && (Arn.Ref ?? Arn['Fn::GetAtt']?.[0]) === target.id;
  });
  return schedules.reduce((sum, { properties }) => sum + callsAMonth(String(properties.ScheduleExpression)), 0);
}

function runsAMonth(resources: Resource[]): number {
  const machines = ofType(resources, 'AWS::StepFunctions::StateMachine');
  return machines.reduce((sum, machine) => sum + scheduledCalls(resources, machine), 0);
}

/** A run with something new starts the job twice, and as many workers work as end it in half of its time. */
function jobRuns(resources: Resource[], newRuns: number, eventsARun: number): { workers: number; dpuSeconds: number } {
  const [job] = ofType(resources, 'AWS::Glue::Job');
  if (!job) return { workers: 0, dpuSeconds: 0 };
  const coreSeconds = ((eventsARun / 1e6) * assume('modelCoreSeconds')) / 2;
  const mostSeconds = numberOf(job, 'Timeout') * 30;
  const workers = Math.max(2, 1 + Math.ceil(coreSeconds / assume('workerCores') / mostSeconds));
  const seconds = assume('jobStartSeconds') + coreSeconds / assume('workerCores') / (workers - 1);
  return { workers, dpuSeconds: newRuns * 2 * workers * seconds };
}

/** Each run wakes the warehouse to ask what it holds, and one with something new again to load and to answer. */
function warehouseWork(
  resources: Resource[],
  runs: number,
  newRuns: number,
  eventsADay: number,
): { rpus: number; rpuSeconds: number; answerSeconds: number } {
  const [workgroup] = ofType(resources, 'AWS::RedshiftServerless::Workgroup');
  if (!workgroup) return { rpus: 0, rpuSeconds: 0, answerSeconds: 0 };
  const base = numberOf(workgroup, 'BaseCapacity');
  const rows = eventsADay * assume('historyDays');
  const answers = (assume('answers') * rows) / assume('scanRows');
  const load = newRuns > 0 ? (aMonth(eventsADay) / newRuns / 1e6) * assume('loadRpuSeconds') : 0;
  // Capacity comes in steps of eight.
  const needed = Math.ceil(answers / assume('answerSeconds') / 8) * 8;
  const rpus = Math.max(base, answers / assume('answerSeconds') > base ? needed : 0);
  const wake = assume('warehouseWake') * rpus;
  const rpuSeconds =
    (runs + upkeepOf(resources, 'maintain-warehouse')) * wake + newRuns * Math.max(wake, load + answers);
  return { rpus, rpuSeconds, answerSeconds: answers / rpus };
}

function upkeepOf(resources: Resource[], name: 'maintain-warehouse' | 'vacuum-lake'): number {
  const upkeep = resources.find(({ flow }) => flow === name);
  return upkeep ? scheduledCalls(resources, upkeep) : 0;
}

interface Made {
  archive: Calls;
  runs: number;
  newRuns: number;
  upkeep: number;
  vacuums: number;
  answerSeconds: number;
}

/** Of each flow: the doors by what comes in, the pipeline's tasks by its runs. */
function callsOf({ archive, runs, newRuns, upkeep, vacuums, answerSeconds }: Made): Record<string, Calls> {
  const files = newRuns > 0 ? aMonth(assume('filesADay')) : 0;
  const task = (number: number, seconds = 0): Calls => ({
    number,
    seconds: number * (assume('taskSeconds') + seconds),
  });
  return {
    'archive-events': archive,
    'ingest-batch': { number: files, seconds: files * assume('fileSeconds') },
    'plan-run': task(runs),
    'judge-quality': task(2 * newRuns),
    'exclude-rows': task(newRuns),
    'plan-curated': task(newRuns),
    'publish-snapshot': task(newRuns),
    'load-warehouse': task(newRuns),
    'publish-answers': task(newRuns, answerSeconds),
    // A state calls it, and so does the end of each execution.
    notify: task(2 * runs),
    'maintain-warehouse': task(upkeep, assume('warehouseWake')),
    'vacuum-lake': task(vacuums, assume('warehouseWake')),
    // Runs when something is deployed.
    'migrate-warehouse': task(0),
  };
}

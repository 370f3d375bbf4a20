/** What the cost model takes for granted, each with its reason; all that a template can say is read there instead. */

interface Assumption {
  value: number;
  unit: string;
  why: string;
}

export const assumptions = {
  hoursAMonth: { value: 730, unit: 'hours', why: 'a twelfth of a year' },
  eventBytes: { value: 322, unit: 'bytes', why: 'measured: a million generated events as JSON' },
  peak: {
    value: 3,
    unit: 'x the mean',
    why: 'assumed: the busiest minutes of a shop, for which shards must be enough',
  },
  shardRecords: { value: 1000, unit: 'records a second', why: "Kinesis' limit of what a shard takes" },
  shardBytes: { value: 1_000_000, unit: 'bytes a second', why: "Kinesis' limit of what a shard takes" },
  callBytes: { value: 6_000_000, unit: 'bytes', why: "Lambda's limit of a call's input" },
  recordOverhead: { value: 250, unit: 'bytes', why: "Lambda's own fields of a record; its data is in Base64 besides" },
  archiveMicroseconds: {
    value: 14.5,
    unit: 'µs of one core an event',
    why: 'measured: `npm run bench -- ingest`, 1.45 s for 100,000 events',
  },
  coreMemory: { value: 1769, unit: 'MB', why: "Lambda's memory that comes with one core" },
  archiveWaitMs: { value: 200, unit: 'ms a call', why: 'assumed: about ten calls of DynamoDB, S3 and KMS, one by one' },
  archiveReads: { value: 10, unit: 'read units a call', why: 'counted: the batch before, epoch of the vault, ledger' },
  archiveWrites: {
    value: 4,
    unit: 'write units a call',
    why: 'counted: the note of a batch and its counts, each twice',
  },
  lookUps: { value: 0.1, unit: 'read units an event', why: 'assumed: ten events a visit, one look-up of the visitor' },
  newPersons: { value: 0.002, unit: 'persons an event', why: 'assumed: one visit of fifty is by a new visitor' },
  personWrites: { value: 6, unit: 'write units a person', why: 'counted: three items in a transaction, each twice' },
  personBytes: { value: 1000, unit: 'bytes a person', why: 'assumed: mapping and key in the vault' },
  batchBytes: { value: 400, unit: 'bytes a call', why: 'assumed: the counts of a batch, which are kept' },
  historyDays: { value: 365, unit: 'days', why: 'what is stored after the first year' },
  rawBytes: { value: 73, unit: 'bytes an event', why: 'measured: raw objects of 200,000 generated events of a month' },
  lakeBytes: {
    value: 190,
    unit: 'bytes an event',
    why: 'measured: their clean events, `fact_event` and `fact_session`',
  },
  rewrittenDays: {
    value: 1,
    unit: "days' events a run",
    why: 'assumed: files that a run replaces, of the day so far and of late events of the day before',
  },
  keptSnapshots: {
    value: 10,
    unit: 'runs',
    why: 'counted: how many snapshots the vacuum keeps of daily runs, with files that later ones have replaced; of hourly runs it keeps those of a day, some 25, little beside the `replacedDays`',
  },
  replacedDays: {
    value: 14,
    unit: 'days',
    why: 'the most: a week until the vacuum, and a week in which the bucket can bring back what was deleted',
  },
  lakeObjects: { value: 2000, unit: 'objects a run', why: 'assumed: files of the dates touched, plans, answers' },
  warehouseBytes: { value: 50, unit: 'bytes an event', why: 'assumed: packed columns of `fact_event`' },
  filesADay: { value: 3, unit: 'files', why: 'assumed: customers, products and transactions, once a day' },
  fileSeconds: { value: 20, unit: 'seconds a file', why: 'assumed: some ten thousand rows' },
  taskSeconds: { value: 5, unit: 'seconds a task', why: 'assumed: cold start, and the files of a plan' },
  idleTransitions: { value: 5, unit: 'transitions a run', why: 'counted in the definition: nothing is new' },
  transitions: { value: 25, unit: 'transitions a run', why: 'counted in the definition: something is new, retries' },
  jobStartSeconds: { value: 60, unit: 'seconds', why: 'assumed: start of the job; Glue bills at least one minute' },
  modelCoreSeconds: {
    value: 120,
    unit: 'core-seconds a million events',
    why: 'assumed: Spark takes three times the 40 that DuckDB took (`npm run bench -- pipeline`)',
  },
  workerCores: { value: 4, unit: 'cores', why: 'a G.1X worker, of which the first drives the others' },
  warehouseWake: { value: 60, unit: 'seconds', why: 'the least that Redshift Serverless bills each time it wakes' },
  loadRpuSeconds: { value: 60, unit: 'RPU-seconds a million events', why: 'assumed: 4 RPU load a million in 15 s' },
  answers: { value: 14, unit: 'queries a run', why: 'counted: `sql/queries/`' },
  scanRows: { value: 10_000_000, unit: 'rows a second and RPU', why: 'assumed: an answer reads all of the history' },
  answerSeconds: { value: 450, unit: 'seconds', why: 'half of the time that the function of the answers may take' },
  pollers: { value: 5, unit: 'pollers a queue', why: 'how many Lambda keeps at an idle queue; each asks every 20 s' },
  alertsAMonth: { value: 30, unit: 'alerts', why: 'assumed: one a day' },
  callLogBytes: { value: 600, unit: 'bytes a call', why: "assumed: Lambda's three lines, and one of the function" },
  transitionLogBytes: { value: 3000, unit: 'bytes a transition', why: 'assumed: entry and exit with their data' },
  jobLogBytes: { value: 200_000, unit: 'bytes a job', why: 'assumed: a line a model, and the start of Spark' },
  flowLogBytes: { value: 1_000_000, unit: 'bytes a run', why: 'assumed: connections within an isolated network' },
  mappingMetrics: {
    value: 6,
    unit: 'metrics a mapping',
    why: "what Lambda's EventCount adds, where it is switched on",
  },
  keyRequestsAnHour: { value: 24, unit: 'KMS requests a shard', why: 'one in five minutes to write, one to read' },
  athenaGb: { value: 1, unit: 'GB scanned a day', why: 'assumed: people ask little of the lake beside the warehouse' },
} as const satisfies Record<string, Assumption>;

export type AssumptionName = keyof typeof assumptions;

/** The assumed value. */
export const assume = (name: AssumptionName): number => assumptions[name].value;

import { parseDdl, parseModelHeader } from '../../../../src/domain/lake/model-header.ts';
import { type LayerContext, type Model, planClean, planCurated } from '../../../../src/domain/lake/plan-layer.ts';
import type { EngineResult, ModelPlan, ModelResult } from '../../../../src/domain/lake/run-plan.ts';

const ddl = parseDdl([
  'create table if not exists dim_customer (\n  subject_id varchar(36) not null,\n  primary key (subject_id)\n);',
  'create table if not exists dim_date (\n  date_on date not null\n);',
  'create table if not exists fact_event (\n  event_id varchar(36),\n  amount decimal(18, 4),\n  occurred_on date not null\n);',
  'create table if not exists fact_session (\n  session_key varchar(32),\n  started_on date not null\n);',
]);

const model = (table: string, inputs: string[], partition?: string): Model => ({
  table,
  sql: `models/${table.replace('.', '/')}.sql`,
  header: { grain: 'one row', inputs, key: ['key'], partition },
  checks: [],
  ...(table === 'clean.events' && { touchedSql: 'touched.sql', countsSql: 'counts.sql' }),
});

const models = [
  // Sessions stand before the events that they are made of, to show that the order of files does not matter.
  model('curated.fact_session', ['curated.fact_event'], 'started_on'),
  model('curated.fact_event', ['clean.events'], 'occurred_on'),
  model('curated.dim_customer', ['clean.customers', 'clean.events', 'curated.dim_customer']),
  model('curated.dim_date', []),
  model('clean.customers', ['raw.customers', 'clean.customers']),
  model('clean.events', ['raw.events', 'clean.events'], 'occurred_on'),
];

const context = (changes: Partial<LayerContext>): LayerContext => ({
  runId: 'r1',
  at: new Date('2026-01-01T00:00:00Z'),
  exclusions: [],
  models,
  ddl,
  tables: {},
  newRaw: {},
  rates: 'rates/1.jsonl',
  haveRatesChanged: false,
  ...changes,
});

const file = (key: string, partition: string | null) => ({ key, partition, bytes: 1, rows: 1 });

const cleanResult = (...results: Partial<ModelResult>[]): EngineResult => ({
  runId: 'r1',
  layer: 'clean',
  engine: 'test',
  models: results.map((result) => ({
    table: '',
    touched: 'whole',
    files: [],
    rows: 0,
    counts: {},
    checks: [],
    seconds: 0,
    ...result,
  })),
});

const tablesOf = ({ models: plans }: { models: ModelPlan[] }) => plans.map(({ table }) => table);

describe('the plan of the clean layer', () => {
  test('runs only the models of datasets with new raw objects', () => {
    expect(tablesOf(planClean(context({ newRaw: { events: ['raw/events/a'] } })))).toEqual(['clean.events']);
    expect(tablesOf(planClean(context({})))).toEqual([]);
  });

  test('reads the new raw objects, and published rows only as far as the new ones touch their dates', () => {
    const published = [file('clean/events/run=r0/dt=2026-01-01/part-0.parquet', '2026-01-01')];
    const [plan] = planClean(
      context({ newRaw: { events: ['raw/events/a'] }, tables: { 'clean.events': published } }),
    ).models;
    expect(plan!.inputs.raw_events).toMatchObject({
      format: 'jsonl',
      files: [{ key: 'raw/events/a', partition: null }],
    });
    expect(plan!.inputs.clean_events).toMatchObject({
      files: [{ key: published[0]!.key, partition: '2026-01-01' }],
      onlyTouched: true,
    });
    expect(plan).toMatchObject({ touched: { sql: 'touched.sql' }, counts: 'counts.sql' });
    expect(plan!.isMadeByDate).toBeUndefined();
    expect(plan!.output).toMatchObject({ prefix: 'clean/events/run=r1', partitionColumn: 'occurred_on' });
    expect(plan!.output.columns.at(-1)).toMatchObject({ name: 'occurred_on', type: 'DATE' });
  });
});

describe('the plan of a clean model whose header tells the day of a record', () => {
  const events = { ...model('clean.events', ['raw.events', 'clean.events'], 'occurred_on'), touchedSql: undefined };
  const plan = planClean(
    context({
      models: [{ ...events, header: { ...events.header, day: 'cast(occurred_at as date)' } }],
      newRaw: { events: ['raw/events/a'] },
    }),
  ).models[0]!;

  test('gives the raw input that day, and leaves the dates to the engine', () => {
    expect(plan.inputs.raw_events).toMatchObject({ day: 'cast(occurred_at as date)' });
    expect(plan.inputs.clean_events).not.toHaveProperty('day');
    expect(plan.touched).toBeUndefined();
  });

  test('lets it be made a few dates at a time', () => expect(plan.isMadeByDate).toBe(true));
});

describe('the plan of the curated layer', () => {
  test('rewrites the dates that the clean layer touched, each model behind those it reads', () => {
    const clean = cleanResult({ table: 'clean.events', touched: ['2026-01-01', '2026-01-02'] });
    const plan = planCurated(context({ clean }));
    expect(tablesOf(plan)).toEqual([
      'curated.fact_event',
      'curated.fact_session',
      'curated.dim_customer',
      'curated.dim_date',
    ]);
    for (const { touched } of plan.models.slice(0, 2)) expect(touched).toEqual({ dates: ['2026-01-01', '2026-01-02'] });
    expect(plan.models[1]!.inputs.curated_fact_event).toMatchObject({ writtenBy: 'curated.fact_event' });
  });

  test('gives a model that reads raw records the new ones', () => {
    const naming = [model('curated.dim_customer', ['raw.transactions', 'curated.dim_customer'])];
    const known = { models: naming, tables: { 'curated.dim_customer': [file('c', null)] } };
    const [plan] = planCurated(context({ ...known, newRaw: { transactions: ['raw/transactions/a'] } })).models;
    expect(plan!.inputs.raw_transactions).toMatchObject({ format: 'jsonl', files: [{ key: 'raw/transactions/a' }] });
    expect(tablesOf(planCurated(context(known)))).toEqual([]);
  });

  test('leaves a table alone that no change reaches and that was built before', () => {
    const clean = cleanResult({ table: 'clean.customers', touched: 'whole' });
    const tables = { 'curated.dim_date': [file('d', null)], 'curated.dim_customer': [file('c', null)] };
    expect(tablesOf(planCurated(context({ clean, tables })))).toEqual(['curated.dim_customer']);
  });

  test('gives a dimension what was published of it, so that what history knows stays', () => {
    const tables = { 'curated.dim_customer': [file('c', null)] };
    const clean = cleanResult({ table: 'clean.events', touched: ['2026-01-01'] });
    const plan = planCurated(context({ clean, tables })).models.find(({ table }) => table === 'curated.dim_customer');
    expect(plan!.inputs.curated_dim_customer).toMatchObject({ files: [{ key: 'c', partition: null }] });
  });

  test('refuses models that read each other in a circle', () => {
    const circle = [
      model('curated.fact_event', ['curated.fact_session']),
      model('curated.fact_session', ['curated.fact_event']),
    ];
    expect(() => planCurated(context({ models: circle }))).toThrow(
      'models read each other in a circle: curated.fact_event -> curated.fact_session -> curated.fact_event',
    );
  });

  test('refuses a model that reads what no model makes', () => {
    const clean = cleanResult({ table: 'clean.orders', touched: ['2026-01-01'] });
    const lost = [model('curated.fact_event', ['clean.orders'], 'occurred_on')];
    expect(() => planCurated(context({ models: lost, clean }))).toThrow('reads clean.orders, and no model makes it');
  });
});

describe("a model's header", () => {
  test('says grain, inputs, partition and key', () => {
    const text =
      '-- One row an event.\n-- More about it.\n-- inputs: raw.events, clean.events\n-- partition: occurred_on\n-- key: occurred_on, event_id\nselect 1';
    expect(parseModelHeader('m.sql', text)).toEqual({
      grain: 'One row an event. More about it.',
      inputs: ['raw.events', 'clean.events'],
      partition: 'occurred_on',
      key: ['occurred_on', 'event_id'],
    });
  });

  test('is asked for where it is missing', () => {
    expect(() => parseModelHeader('m.sql', 'select 1')).toThrow('m.sql: a model opens with comment lines');
  });
});

describe('the DDL', () => {
  test('gives the columns that engines must write', () => {
    expect(ddl.get('fact_event')).toEqual([
      { name: 'event_id', type: 'VARCHAR', description: '' },
      { name: 'amount', type: 'DECIMAL(18,4)', description: '' },
      { name: 'occurred_on', type: 'DATE', description: '' },
    ]);
  });

  test('has the columns behind those of the table that later files add to it', () => {
    const added = 'alter table t add column b date; -- Its day';
    expect(parseDdl(['create table if not exists t (\n  a bigint -- Its number\n);', added]).get('t')).toEqual([
      { name: 'a', type: 'BIGINT', description: 'Its number' },
      { name: 'b', type: 'DATE', description: 'Its day' },
    ]);
    expect(() => parseDdl([added])).toThrow('t: a column is added to a table that no earlier file of sql/ddl makes');
  });

  test('is refused where a column has a type that the engines do not share', () => {
    expect(() => parseDdl(['create table if not exists t (\n  a json\n);'])).toThrow(
      't: cannot read the column "a json"',
    );
  });
});

/**
 * Spark makes the tables that DuckDB makes: of the default data set with planted faults, raw -> clean -> curated, and of three
 * days of late, repeated, changed, moved, unknown, refused and extreme records behind it, every table is equal in schema, types,
 * counts and values, order aside. No difference is tolerated; that one would be told is shown by planting some.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DirectoryObjectStore } from '../../src/adapters/local/directory-object-store.ts';
import { DuckDbEngine } from '../../src/adapters/local/duckdb-engine.ts';
import { DuckDbWarehouse } from '../../src/adapters/local/duckdb-warehouse.ts';
import { SparkEngine } from '../../src/adapters/local/spark-engine.ts';
import { SqlDirectory } from '../../src/adapters/sql-directory.ts';
import type { Column } from '../../src/contracts/index.ts';
import type { ModelPlan } from '../../src/domain/lake/run-plan.ts';
import type { Snapshot } from '../../src/domain/lake/snapshot.ts';
import { newestSnapshot } from '../../src/flows/documents.ts';
import { loadWarehouse } from '../../src/flows/load-warehouse.ts';
import { readModels } from '../../src/flows/models.ts';
import { readQueries } from '../../src/flows/publish-answers.ts';
import { setRates } from '../../src/flows/rates.ts';
import { faultNames, type GeneratorRequest } from '../../src/generators/index.ts';
import { type RunInput, runPipeline } from '../../src/local/run-pipeline.ts';
import type { Environment } from '../../src/ports.ts';
import { bringInArrival, bringToRaw } from '../support/bring-in.ts';
import { repositoryRoot } from '../support/c360.ts';
import { type DoorPlatform, doorPlatform, withoutAnswers } from '../support/door-platform.ts';
import { firstRates, type LaterDay, laterDays } from '../support/later-days.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { type Lineage, ParityEngine, shareInputs } from '../support/parity-engine.ts';
import { describeWithSpark, SparkSession } from '../support/spark.ts';
import { quickJava } from '../support/submitted-spark.ts';

const newDirectory = temporaryDirectories();
/** Where other suites run beside this one, the first run takes long. */
const longMs = 1_800_000;

/**
 * Spark as `c360` starts it, on a machine whose clock is not UTC. It stays for all plans: a start takes longer than most of
 * them, and other suites see it.
 */
const sparkElsewhere = () =>
  new SparkSession({
    'spark.driver.memory': '2g',
    'spark.driver.extraJavaOptions': `-Duser.timezone=America/New_York ${quickJava}`,
    'spark.sql.shuffle.partitions': '8',
    'spark.default.parallelism': '2',
    'spark.sql.adaptive.enabled': 'true',
    'spark.sql.codegen.wholeStage': 'true',
    'spark.sql.codegen.factoryMode': 'FALLBACK',
  });

/** Spark with the texts of a folder `sql/` and a lake of its own. */
function sparkLineage({ runScript }: SparkSession, sql = join(repositoryRoot, 'sql')): Lineage {
  const objects = new DirectoryObjectStore(newDirectory());
  return { name: 'spark', objects, engine: new SparkEngine({ objects, sql, runScript }) };
}

describeWithSpark('Spark gives what DuckDB gives', () => {
  const request: GeneratorRequest = { size: 'default', faults: [...faultNames] };
  let days: LaterDay[];
  let platform: DoorPlatform;
  let session: SparkSession;
  let spark: Lineage;
  let engine: ParityEngine;
  let env: Environment;

  beforeAll(async () => {
    days = laterDays(request);
    platform = doorPlatform(newDirectory(), '2026-11-01T10:00:00Z');
    const { objects, sql, engine: duckDb } = platform.env;
    session = sparkElsewhere();
    spark = sparkLineage(session);
    shareInputs(objects, spark.objects);
    engine = new ParityEngine({ first: { name: 'duckdb', engine: duckDb, objects }, second: spark, sql });
    env = withoutAnswers({ ...platform.env, engine });
    await setRates(env)(firstRates);
    await bringToRaw(platform, request);
  });
  afterAll(async () => {
    platform?.close();
    await session?.close();
  });

  /** Runs, and compares what each pass made and then what is published. Returns what the run says of its steps. */
  async function runAndCompare(input: RunInput = {}): Promise<string> {
    platform.clock.advance(30);
    const { steps } = await runPipeline(env, {}, input);
    engine.compareLists((await newestSnapshot(env))!.tables);
    expect(engine.differences.splice(0)).toEqual([]);
    return steps.map(({ step, outcome }) => `${step}: ${outcome}`).join('\n');
  }

  test(
    'of the default data set with planted faults, rows that the gate refuses among them',
    async () => {
      expect(await runAndCompare()).toMatch(/^clean gate: refused/m);
      const { tables } = (await newestSnapshot(env))!;
      const { models } = readModels(env.sql);
      expect(Object.keys(tables).sort()).toEqual(models.map(({ table }) => table).sort());
    },
    longMs,
  );

  test.each([
    ['first day behind it, with refused rows', 0, /^clean gate: refused/m],
    ['second day behind it', 1, /^clean models: customers \d+, events \d+, products \d+, transactions \d+$/m],
    ['third day behind it, when all sales are converted again', 2, /^plan: .*; other exchange rates$/m],
  ])('of the %s', async (_, number, said) => {
    const { rates, arrivals } = days[number]!;
    if (rates) await setRates(env)(rates);
    for (const arrival of arrivals) {
      platform.clock.advance(arrival.afterMinutes);
      await bringInArrival(platform, arrival);
    }
    expect(await runAndCompare()).toMatch(said);
  });

  test('of a range of dates that is made again', async () => {
    const range = { kind: 'backfill', from: '2026-10-29', to: '2026-10-31' };
    expect(await runAndCompare(range)).toMatch(/^plan: to make anew: 3 dates/m);
  });

  test('and all that is published in the end', async () => {
    await engine.compareTables((await newestSnapshot(env))!.tables);
    expect(engine.differences).toEqual([]);
  });

  test('and the warehouse that loads the files of Spark answers every query alike', async () => {
    const snapshot = (await newestSnapshot(env))!;
    const tables = Object.entries(snapshot.tables).map(([table, files]) => [table, engine.counterparts(files)]);
    const ofSpark: Snapshot = { ...snapshot, tables: Object.fromEntries(tables) };
    const { objects } = spark;
    const [directory, temporaryDirectory] = [newDirectory(), newDirectory()];
    const warehouse = new DuckDbWarehouse({ directory, objects, sql: env.sql, temporaryDirectory });
    await loadWarehouse({ ...env, objects, warehouse })(ofSpark);
    for (const { name, sql } of readQueries(platform.env.sql)) {
      expect([name, await warehouse.query(sql)]).toEqual([name, await env.warehouse.query(sql)]);
    }
  });
});

describeWithSpark('what the engines take differently is told', () => {
  let session: SparkSession;
  beforeAll(() => {
    session = sparkElsewhere();
  });
  afterAll(() => session.close());

  const columns = (...of: [string, Column['type']][]): Column[] =>
    of.map(([name, type]) => ({ name, type, description: '' }));
  const inputColumns = columns(
    ['sale_no', 'BIGINT'],
    ['amount', 'DECIMAL(18,4)'],
    ['sold_at', 'TIMESTAMP'],
    ['word', 'VARCHAR'],
  );

  /** Model -> the type of its one column beside the key, and the column's SQL. */
  const planted: Record<string, [Column['type'], string]> = {
    sound: ['VARCHAR', "md5(word || '|' || cast(sale_no as varchar(20)))"],
    integer_division: ['BIGINT', 'cast(sale_no / 2 as bigint)'],
    null_order: ['BIGINT', 'cast(row_number() over (order by word) as bigint)'],
    decimal_scale: ['DECIMAL(18,4)', 'cast(amount / cast(2 as decimal(18, 4)) as decimal(18, 4))'],
    // The planted text beside it sets the session of Spark to a local time, whose clocks leave this hour out.
    time_zone: ['VARCHAR', 'iso_time(sold_at)'],
  };
  const lines = [
    { sale_no: 1, amount: '2.0000', sold_at: '2026-03-08T01:30:00.000Z' },
    { sale_no: 2, amount: '0.0029', sold_at: '2026-03-08T02:30:00.000Z', word: 'b' },
    { sale_no: 3, amount: '4.0000', sold_at: '2026-03-08T03:30:00.000Z', word: 'a' },
  ];

  function plantedSql(): string {
    const folder = join(newDirectory(), 'sql');
    cpSync(join(repositoryRoot, 'sql/prelude'), join(folder, 'prelude'), { recursive: true });
    const prelude = join(folder, 'prelude/spark.sql');
    writeFileSync(prelude, `set time zone 'America/New_York';\n${readFileSync(prelude, 'utf8')}`);
    for (const [name, [, sql]] of Object.entries(planted)) {
      const text = `-- One row a sale.\n-- key: sale_no\nselect sale_no, ${sql} as found from raw_sales\n`;
      writeFileSync(join(folder, `${name}.sql`), text);
    }
    return folder;
  }

  test('integer division, the order of NULL, the scale of a DECIMAL and a local time zone', async () => {
    const folder = plantedSql();
    const sql = new SqlDirectory(folder);
    const objects = new DirectoryObjectStore(newDirectory());
    const spark = sparkLineage(session, folder);
    shareInputs(objects, spark.objects);
    const duckDb = new DuckDbEngine({ objects, sql, temporaryDirectory: newDirectory() });
    const engine = new ParityEngine({ first: { name: 'duckdb', engine: duckDb, objects }, second: spark, sql });
    const key = 'raw/sales/a.jsonl';
    await objects.put(key, Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join('')));
    const models = Object.entries(planted).map(
      ([name, [type]]): ModelPlan => ({
        table: `clean.${name}`,
        sql: `${name}.sql`,
        inputs: { raw_sales: { format: 'jsonl', files: [{ key, partition: null }], columns: inputColumns } },
        output: { prefix: `clean/${name}/run=r1`, columns: columns(['sale_no', 'BIGINT'], ['found', type]) },
      }),
    );
    await engine.execute({ runId: 'r1', layer: 'clean', pass: 1, models });
    expect(engine.differences).toEqual([
      'clean.integer_division at sale_no = 3: found duckdb "2", spark "1"',
      'clean.null_order at sale_no = 1: found duckdb "3", spark "1"',
      'clean.null_order at sale_no = 2: found duckdb "2", spark "3"',
      'clean.null_order at sale_no = 3: found duckdb "1", spark "2"',
      'clean.decimal_scale at sale_no = 2: found duckdb "0.0014", spark "0.0015"',
      'clean.time_zone at sale_no = 2: found duckdb "2026-03-08T02:30:00.000000", spark "2026-03-08T03:30:00.000000"',
    ]);
  });
});

/** What readers are shown, in forms that can be compared: rows of the warehouse, rows of the lake's tables, answers. */
import { DuckDBInstance } from '@duckdb/node-api';
import { newestSnapshot } from '../../src/flows/documents.ts';
import { servingIndex } from '../../src/flows/publish-answers.ts';
import type { Environment, ObjectStore, Scalar } from '../../src/ports.ts';

/**
 * How many rows each table of the warehouse has, and a sum over the hashes of the rows; of `load_state` only of the snapshot
 * and its latest business date. The calendar alone has more rows than a suite can read and compare again and again.
 */
export async function warehouseContent({ warehouse }: Environment): Promise<Record<string, Scalar[][]>> {
  const { rows } = await warehouse.query('select table_name from information_schema.tables order by table_name');
  const content: Record<string, Scalar[][]> = {};
  for (const [table] of rows) {
    const columns = table === 'load_state' ? 'snapshot_no, as_of_on' : '*';
    const sums = `select count(*), cast(sum(hash(found)) as varchar) from (select ${columns} from ${table}) as found`;
    content[String(table)] = (await warehouse.query(sums)).rows;
  }
  return content;
}

/** How many rows each table of the newest snapshot has, and a sum over the hashes of the rows. */
export async function lakeContent(env: Environment): Promise<Record<string, unknown[]>> {
  const { tables } = (await newestSnapshot(env))!;
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const content: Record<string, unknown[]> = {};
  for (const [table, files] of Object.entries(tables)) {
    if (files.length === 0) continue;
    const list = files.map(({ key }) => `'${env.objects.uri(key)}'`).join(', ');
    const rows = `read_parquet([${list}], hive_partitioning = false, union_by_name = true)`;
    const read = await connection.runAndReadAll(`select count(*), sum(hash(found)) from ${rows} as found`);
    content[table] = read.getRowsJson()[0]!;
  }
  connection.closeSync();
  instance.closeSync();
  return content;
}

/** What serving/ shows: the index, and the documents that it names, each without its run's id. */
export async function servedContent(env: Environment): Promise<Document[]> {
  const index = await servingIndex(env);
  if (!index) return [];
  const documents = await Promise.all(index.answers.map(({ key }) => readJson(env.objects, key)));
  if (documents.some((document) => document === undefined)) {
    // The second of two runs that have ended meanwhile removed what this index names.
    if ((await servingIndex(env))?.snapshot === index.snapshot)
      throw new Error('serving/ lacks an answer that it names');
    return servedContent(env);
  }
  return [{ ...index }, ...documents].map((document) => ({ ...document, runId: 'any' }));
}

type Document = Record<string, unknown>;

async function readJson(objects: ObjectStore, key: string): Promise<Document | undefined> {
  const bytes = await objects.get(key);
  return bytes && (JSON.parse(Buffer.from(bytes).toString()) as Document);
}

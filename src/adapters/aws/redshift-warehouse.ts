/** Warehouse on Redshift by its Data API. */
import { createHash, randomUUID } from 'node:crypto';
import type { ColumnMetadata, Field } from '@aws-sdk/client-redshift-data';
import type { ObjectStore, ResultSet, Scalar, Warehouse, WarehouseStatement } from '../../ports.ts';
import { refusal } from './errors.ts';
import { fitting, RedshiftStatements, type RedshiftStatementsOptions, type Text } from './redshift-statements.ts';
import { RedshiftTransaction } from './redshift-transaction.ts';

export interface RedshiftWarehouseOptions extends RedshiftStatementsOptions {
  /** ARN of the role with which Redshift reads the lake. */
  copyRoleArn: string;
  /** The lake: below `loads/`, COPY finds its files by a manifest, and a transaction the place where it stands. */
  objects: ObjectStore;
  /** How long one call of `advance` works. */
  sliceSeconds?: number;
}

/** What a COPY statement appends, and to which table. */
type Copy = Extract<WarehouseStatement, { copy: object }>['copy'];

export class RedshiftWarehouse implements Warehouse {
  readonly #options: RedshiftWarehouseOptions;
  readonly #statements: RedshiftStatements;

  constructor(options: RedshiftWarehouseOptions) {
    this.#options = options;
    this.#statements = new RedshiftStatements(options);
  }

  /** Where it is not known whether the commit was made, an AdapterError says so, and who calls again asks the warehouse first. */
  async transaction(statements: WarehouseStatement[]): Promise<void> {
    await this.#transactionOf(await this.#texts(statements)).run();
  }

  async advance(id: string, statements: WarehouseStatement[]): Promise<'committed' | 'running'> {
    const { objects, sliceSeconds = 300 } = this.#options;
    const until = this.#statements.clock.now().getTime() + sliceSeconds * 1000;
    const texts = await this.#texts(statements);
    // Other statements under the same id are another transaction.
    const name = sha256(JSON.stringify([id, texts]));
    return this.#transactionOf(texts, name).advance(until, { objects, key: `loads/${name}.json` });
  }

  #transactionOf(texts: Text[], name: string = randomUUID()): RedshiftTransaction {
    return new RedshiftTransaction(this.#statements, texts, name);
  }

  async each(statements: WarehouseStatement[]): Promise<void> {
    for (const text of await this.#texts(statements)) await this.#statements.run(text);
  }

  async #texts(statements: WarehouseStatement[]): Promise<Text[]> {
    const texts: Text[] = [];
    for (const statement of statements) {
      if ('sql' in statement) texts.push(fitting(statement));
      else if (statement.copy.files.length > 0) texts.push(await this.#copyStatement(statement.copy));
    }
    return texts;
  }

  async query(sql: string, what = 'query'): Promise<ResultSet> {
    const Id = await this.#statements.run({ what, sql });
    const result: ResultSet = { columns: [], rows: [] };
    for await (const { ColumnMetadata: columns = [], Records = [] } of this.#statements.pages(what, Id)) {
      result.columns = columns.map(({ name = '', typeName = '' }) => ({ name, type: typeName }));
      for (const row of Records) result.rows.push(row.map((field, index) => scalar(field, columns[index]!, what)));
    }
    return result;
  }

  /** A manifest names each file with its size; its key follows its content, so that it is the same one again. */
  async #copyStatement({ table, files }: Copy): Promise<Text> {
    const { objects } = this.#options;
    const entries = files.map(({ key, bytes }) => ({
      url: objects.uri(key),
      mandatory: true,
      meta: { content_length: bytes },
    }));
    const manifest = Buffer.from(JSON.stringify({ entries }));
    const key = `loads/${sha256(manifest)}.manifest`;
    await objects.put(key, manifest);
    const [from, role] = [quoted(objects.uri(key)), quoted(this.#options.copyRoleArn)];
    return { what: `copy ${table}`, sql: `copy ${table} from ${from} iam_role ${role} format as parquet manifest` };
  }
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A value as JSON can hold it: Redshift gives decimals, dates and timestamps as text. */
function scalar(field: Field, { typeName = '', name }: ColumnMetadata, what: string): Scalar {
  if (field.isNull) return null;
  if (field.stringValue !== undefined) {
    return typeName.startsWith('timestamp') ? isoTimestamp(field.stringValue) : field.stringValue;
  }
  const value = field.longValue ?? field.doubleValue ?? field.booleanValue;
  if (value === undefined) throw refusal(`${what}: column ${name} has type ${typeName}, which a result cannot hold`);
  return value;
}

/** `2024-02-29 01:02:03.4` in UTC as ISO 8601. */
const isoTimestamp = (text: string): string => `${text.replace(' ', 'T').replace(/\+00(:?00)?$/, '')}Z`;

/** The catalog of the lake in the template of the data: what engines outside the platform are told. */
import { temporaryDirectories } from '../support/local-stores.ts';
import { resourceOf, resourcesOf, synthesize } from '../support/synthesized.ts';

const { data: template } = synthesize(temporaryDirectories()()).templates;

interface Table {
  Name: string;
  Parameters: Record<string, unknown>;
  PartitionKeys: { Name: string; Type: string }[];
  StorageDescriptor: { Location: unknown; Columns: { Name: string; Type: string }[]; SerdeInfo: object };
}

const tables = resourcesOf(template, 'AWS::Glue::Table').map(({ Properties }) => Properties.TableInput as Table);
const tableOf = (name: string) => tables.find(({ Name }) => Name === name)!;
const typeOf = (table: string, column: string) =>
  tableOf(table).StorageDescriptor.Columns.find(({ Name }) => Name === column)?.Type;
const inBucket = (folder: string) => ({
  'Fn::Join': ['', ['s3://', { Ref: expect.stringMatching(/^BucketsLake/) }, `/${folder}`]],
});

test('it has a database of its own, whose name others find', () => {
  const { DatabaseInput } = resourceOf(template, 'AWS::Glue::Database').Properties;
  expect(DatabaseInput).toMatchObject({ Name: 'customer_360_test' });
  expect(resourcesOf(template, 'AWS::SSM::Parameter').map(({ Properties }) => Properties)).toContainEqual(
    expect.objectContaining({ Name: '/customer-360/test/data/catalog-database', Value: 'customer_360_test' }),
  );
});

test('it has the raw records of each dataset and the output of each model', () => {
  expect(tables.map(({ Name }) => Name).sort()).toEqual([
    ...['clean_customers', 'clean_events', 'clean_products', 'clean_transactions'],
    ...['curated_daily_metrics_batch', 'curated_dim_channel', 'curated_dim_customer', 'curated_dim_date'],
    ...['curated_dim_product', 'curated_fact_event', 'curated_fact_sales', 'curated_fact_session'],
    ...['raw_customers', 'raw_events', 'raw_products', 'raw_transactions'],
  ]);
});

test('each clean row says where it came from: a line of a file, or a place in the stream', () => {
  const types = (table: string, ...columns: string[]) => columns.map((column) => typeOf(table, column));
  for (const table of ['clean_customers', 'clean_products', 'clean_transactions']) {
    expect(types(table, 'source_file', 'source_line')).toEqual(['string', 'bigint']);
  }
  expect(types('clean_events', 'source_shard', 'source_sequence')).toEqual(['string', 'string']);
});

test('raw records are lines of JSON, whose partitions follow from day and hour, as long as they are kept', () => {
  const { Parameters, PartitionKeys, StorageDescriptor } = tableOf('raw_events');
  expect(Parameters).toMatchObject({
    'projection.enabled': 'true',
    'projection.dt.type': 'date',
    'projection.dt.format': 'yyyy-MM-dd',
    'projection.dt.range': 'NOW-400DAYS,NOW',
    'projection.hour.type': 'integer',
    'projection.hour.range': '0,23',
    'projection.hour.digits': '2',
    'storage.location.template': inBucket('raw/events/dt=$' + '{dt}/hour=$' + '{hour}/'),
  });
  expect(PartitionKeys).toEqual(['dt', 'hour'].map((Name) => ({ Name, Type: 'string' })));
  expect(StorageDescriptor).toMatchObject({
    Location: inBucket('raw/events/'),
    InputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
    SerdeInfo: { SerializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
  });
  expect([typeOf('raw_events', 'event_type'), typeOf('raw_events', 'arrived_at')]).toEqual(['string', 'string']);
});

test('published tables are Parquet with the types of the lake, partitioned by the folder that a snapshot names', () => {
  const { Parameters, PartitionKeys, StorageDescriptor } = tableOf('curated_fact_sales');
  expect(Parameters).toEqual({ EXTERNAL: 'TRUE', classification: 'parquet' });
  expect(PartitionKeys).toEqual([{ Name: 'dt', Type: 'string' }]);
  expect(StorageDescriptor).toMatchObject({
    Location: inBucket('curated/fact_sales/'),
    SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
  });
  const columns = ['sale_key', 'quantity', 'amount', 'is_return', 'ordered_on', 'ordered_at', 'dt'];
  expect(columns.map((column) => typeOf('curated_fact_sales', column))).toEqual([
    ...['string', 'bigint', 'decimal(18,4)', 'boolean', 'date', 'timestamp', undefined],
  ]);
  expect(typeOf('curated_fact_event', 'cpu_percent')).toBe('double');
});

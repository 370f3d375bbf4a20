/** The Glue catalog of the lake: a database, and a table for each dataset's raw records and each model's output. */
import { Stack } from 'aws-cdk-lib';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import { Construct } from 'constructs';
import type { CatalogTable } from '../../src/domain/lake/catalog.ts';

export interface CatalogProps {
  /** Name of the deployment, such as `dev`. */
  environment: string;
  /** Name of the lake's bucket. */
  bucket: string;
  tables: CatalogTable[];
  rawRetentionDays: number;
}

/** Hive's names of what reads a format. */
const formats = {
  'json lines': {
    inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
    outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
    serdeInfo: { serializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
  },
  parquet: {
    inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
    outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
    serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
  },
};

/** Characters of a comment that Glue takes. */
const mostCommented = 255;

export class Catalog extends Construct {
  readonly database: string;

  constructor(scope: Construct, id: string, { environment, bucket, tables, rawRetentionDays }: CatalogProps) {
    super(scope, id);
    // Athena takes a name without hyphens as it stands.
    this.database = `customer_360_${environment.replaceAll('-', '_')}`;
    const catalogId = Stack.of(this).account;
    const database = new CfnDatabase(this, 'Database', {
      catalogId,
      databaseInput: { name: this.database, description: 'The lake of Customer 360' },
    });
    for (const { name, folder, format, description, columns, partitionKeys } of tables) {
      const location = `s3://${bucket}/${folder}`;
      new CfnTable(this, name, {
        catalogId,
        databaseName: database.ref,
        tableInput: {
          name,
          description: description.slice(0, mostCommented),
          tableType: 'EXTERNAL_TABLE',
          parameters: {
            EXTERNAL: 'TRUE',
            classification: format === 'parquet' ? 'parquet' : 'json',
            ...(format === 'json lines' && projection(location, rawRetentionDays)),
          },
          partitionKeys: partitionKeys.map((key) => ({ name: key, type: 'string' })),
          storageDescriptor: {
            location,
            columns: columns.map((column) => ({
              name: column.name,
              type: column.type,
              comment: column.description.slice(0, mostCommented),
            })),
            ...formats[format],
          },
        },
      });
    }
  }
}

/** Raw records lie by day and hour of their arrival: which partitions there are follows from that, and nobody notes them. */
const projection = (location: string, rawRetentionDays: number): Record<string, string> => ({
  'projection.enabled': 'true',
  'projection.dt.type': 'date',
  'projection.dt.format': 'yyyy-MM-dd',
  'projection.dt.range': `NOW-${rawRetentionDays}DAYS,NOW`,
  'projection.hour.type': 'integer',
  'projection.hour.range': '0,23',
  'projection.hour.digits': '2',
  // Athena fills in day and hour.
  'storage.location.template': `${location}dt=\${dt}/hour=\${hour}/`,
});

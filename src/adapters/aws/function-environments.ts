/** Environments of functions that use more than the stores: who imports one has its clients in its bundle. */
import type { Environment, SqlFiles } from '../../ports.ts';
import { clientSettings, glueClient, redshiftDataClient, snsClient } from './clients.ts';
import { awsEnvironment, once, read, type Variables } from './environment.ts';
import { GlueCatalog } from './glue-catalog.ts';
import { RedshiftWarehouse } from './redshift-warehouse.ts';
import { SnsAlerts } from './sns-alerts.ts';

/**
 * With the warehouse: C360_WAREHOUSE_WORKGROUP, C360_WAREHOUSE_DATABASE and C360_WAREHOUSE_COPY_ROLE (an ARN). Where
 * C360_WAREHOUSE_SECRET names a secret it connects as its user, and else as that of its own role. Who uses the stream or
 * the catalog beside it gives that, too.
 */
export function warehouseEnvironment(
  variables: Variables,
  given: { sql: SqlFiles; stream?: Environment['stream']; catalog?: Environment['catalog'] },
): Environment {
  const warehouse = once(
    () =>
      new RedshiftWarehouse({
        client: redshiftDataClient(clientSettings(variables)),
        workgroup: read(variables, 'C360_WAREHOUSE_WORKGROUP'),
        database: read(variables, 'C360_WAREHOUSE_DATABASE'),
        copyRoleArn: read(variables, 'C360_WAREHOUSE_COPY_ROLE'),
        secret: variables.C360_WAREHOUSE_SECRET,
        objects: env.objects,
      }),
  );
  const env: Environment = awsEnvironment(variables, {
    sql: given.sql,
    get stream() {
      return given.stream;
    },
    get catalog() {
      return given.catalog;
    },
    get warehouse() {
      return warehouse();
    },
  });
  return env;
}

/** With the topic of the alerts: C360_ALERTS_TOPIC (an ARN). */
export function alertsEnvironment(variables: Variables, { sql }: { sql: SqlFiles }): Environment {
  const alerts = once(
    () =>
      new SnsAlerts({
        client: snsClient(clientSettings(variables)),
        topicArn: read(variables, 'C360_ALERTS_TOPIC'),
        hot: env.hot,
        clock: env.clock,
      }),
  );
  const env: Environment = awsEnvironment(variables, {
    sql,
    get alerts() {
      return alerts();
    },
  });
  return env;
}

/** With the warehouse, and with the catalog: C360_CATALOG_DATABASE. */
export function loadEnvironment(variables: Variables, { sql }: { sql: SqlFiles }): Environment {
  const catalog = once(
    () =>
      new GlueCatalog({
        client: glueClient(clientSettings(variables)),
        database: read(variables, 'C360_CATALOG_DATABASE'),
        bucket: read(variables, 'C360_BUCKET'),
      }),
  );
  return warehouseEnvironment(variables, {
    sql,
    get catalog() {
      return catalog();
    },
  });
}

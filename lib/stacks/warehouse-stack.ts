/** The warehouse: Redshift Serverless with its network, its tables, its upkeep, and the role of those who query it. */
import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { AnalystRole } from '../constructs/analyst-role.ts';
import { AthenaWorkgroup } from '../constructs/athena-workgroup.ts';
import type { CatalogTable } from '../constructs/catalog.ts';
import { Warehouse } from '../constructs/warehouse.ts';
import { WarehouseMigrations } from '../constructs/warehouse-migrations.ts';
import { WarehouseUpkeep } from '../constructs/warehouse-upkeep.ts';
import { Deployment } from '../deployment.ts';
import type { DeploymentSettings } from '../settings.ts';

export interface WarehouseStackProps extends StackProps {
  /** Name of the deployment, such as `dev`. */
  environment: string;
  settings: DeploymentSettings;
  /** The lake's tables in the catalog. */
  tables: CatalogTable[];
}

export class WarehouseStack extends Stack {
  constructor(scope: Construct, id: string, { environment, settings, tables, ...props }: WarehouseStackProps) {
    super(scope, id, props);
    const deployment = new Deployment(this, environment, settings);
    const warehouse = new Warehouse(this, 'Warehouse', { deployment, settings: settings.warehouse });
    const { name: athenaWorkgroup } = new AthenaWorkgroup(this, 'Athena', { deployment });
    deployment.put({
      athenaWorkgroup,
      warehouseWorkgroup: warehouse.name,
      warehouseWorkgroupArn: warehouse.workgroupArn,
      warehouseDatabase: warehouse.database,
      warehouseCopyRoleArn: warehouse.copyRoleArn,
    });
    new WarehouseMigrations(this, 'Migrations', { deployment, warehouse });
    new WarehouseUpkeep(this, 'Upkeep', { deployment });
    new AnalystRole(this, 'Analysts', {
      deployment,
      warehouse,
      athenaWorkgroup,
      tables: tables.map(({ name }) => name).filter((name) => name.startsWith('curated_')),
      analysts: settings.analysts,
    });
  }
}

/** The warehouse: Redshift Serverless with its network and its tables, the role of those who query it, and the weekly upkeep. */
import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { CatalogTable } from '../../src/domain/lake/catalog.ts';
import { AnalystRole } from '../constructs/analyst-role.ts';
import { AthenaWorkgroup } from '../constructs/athena-workgroup.ts';
import { Warehouse } from '../constructs/warehouse.ts';
import { WarehouseMigrations } from '../constructs/warehouse-migrations.ts';
import { WeeklyUpkeep } from '../constructs/weekly-upkeep.ts';
import { Deployment, type DeploymentStackProps } from '../deployment.ts';

export interface WarehouseStackProps extends DeploymentStackProps {
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
    new WeeklyUpkeep(this, 'Upkeep', { deployment });
    new AnalystRole(this, 'Analysts', {
      deployment,
      warehouse,
      athenaWorkgroup,
      tables: tables.map(({ name }) => name).filter((name) => name.startsWith('curated_')),
      analysts: settings.analysts,
    });
  }
}

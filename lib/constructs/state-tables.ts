/** The tables of the hot store, of the vault, and of the ledger of suppressed people. */
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { hotTables, type Table as TableName } from '../deployment.ts';
import type { Keys } from './keys.ts';

export interface StateTablesProps {
  keys: Keys;
  removalPolicy: RemovalPolicy;
}

/** Days over which a table can be restored to any second. The vault's bound how long a backup knows whom it has forgotten. */
const recoveryDays = { hot: 7, vault: 7, ledger: 35 };

export class StateTables extends Construct {
  readonly byName: Record<TableName, Table>;

  constructor(scope: Construct, id: string, { keys, removalPolicy }: StateTablesProps) {
    super(scope, id);
    const table = (name: TableName, encryptionKey: IKey, recoveryPeriodInDays: number, keyNames: string[]) => {
      const [partition, sort] = keyNames.map((attribute) => ({ name: attribute, type: AttributeType.STRING }));
      return new Table(this, name, {
        partitionKey: partition!,
        ...(sort && { sortKey: sort, ...(name !== 'ledger' && { timeToLiveAttribute: 'expires_at' }) }),
        billingMode: BillingMode.PAY_PER_REQUEST,
        encryption: TableEncryption.CUSTOMER_MANAGED,
        encryptionKey,
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true, recoveryPeriodInDays },
        deletionProtection: removalPolicy === RemovalPolicy.RETAIN,
        removalPolicy,
      });
    };
    const hot = hotTables.map(
      (name) => [name, table(name, keys.data, recoveryDays.hot, ['partition', 'sort'])] as const,
    );
    this.byName = {
      ...(Object.fromEntries(hot) as Record<(typeof hotTables)[number], Table>),
      vault: table('vault', keys.vault, recoveryDays.vault, ['id']),
      // Backed up apart from the vault and for longer: a vault that is restored learns from it whom it must forget again.
      ledger: table('ledger', keys.ledger, recoveryDays.ledger, ['partition', 'sort']),
    };
  }
}

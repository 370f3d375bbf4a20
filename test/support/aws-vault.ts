/** A vault and its ledger in tables and under a KMS key of their own, with what tests do to them from outside. */
import { type AttributeValue, PutItemCommand, ScanCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import type { AwsClients } from '../../src/adapters/aws/clients.ts';
import { DynamoLedger } from '../../src/adapters/aws/dynamo-ledger.ts';
import { DynamoTable } from '../../src/adapters/aws/dynamo-table.ts';
import { DynamoVault } from '../../src/adapters/aws/dynamo-vault.ts';
import { KmsKeys } from '../../src/adapters/aws/kms-keys.ts';
import { systemTimer } from '../../src/adapters/aws/retry.ts';
import { systemClock, systemIds } from '../../src/adapters/local/system.ts';
import type { Clock, Timer } from '../../src/ports.ts';
import { motoClients, newKmsKey, newVaultTables } from './moto.ts';

type Item = Record<string, AttributeValue>;

interface Options {
  clock?: Clock;
  cacheSize?: number;
  timer?: Timer;
}

export interface AwsVault {
  tables: { vault: string; ledger: string };
  keyId: string;
  /** The vault as another process opens it, with nothing in memory. */
  open(clients: AwsClients, options?: Options): { vault: DynamoVault; ledger: DynamoLedger };
  /** Does to a subject what an erasure does. */
  erase(subjectId: string): Promise<void>;
  items(table?: 'vault' | 'ledger'): Promise<Item[]>;
  put(item: Item): Promise<void>;
}

/** `clients` reach the store without faults. */
export async function newAwsVault(clients: AwsClients): Promise<AwsVault> {
  const { dynamo } = clients;
  const tables = await newVaultTables(dynamo);
  const keyId = await newKmsKey(clients.kms);
  const items = async (table: 'vault' | 'ledger' = 'vault') => {
    const found: Item[] = [];
    let ExclusiveStartKey: Item | undefined;
    do {
      const page = await dynamo.send(new ScanCommand({ TableName: tables[table], ExclusiveStartKey }));
      found.push(...(page.Items ?? []));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    return found;
  };
  const TableName = tables.vault;
  return {
    tables,
    keyId,
    items,
    open: ({ kms, dynamo: client }, { clock = systemClock, cacheSize, timer = systemTimer } = {}) => {
      const ledger = new DynamoLedger({
        table: new DynamoTable({ client, tableName: tables.ledger, what: 'ledger', timer }),
        keys: new KmsKeys({ client: kms, keyId }),
      });
      const table = new DynamoTable({ client, tableName: tables.vault, what: 'vault', timer });
      const keys = new KmsKeys({ client: kms, keyId });
      return { vault: new DynamoVault({ table, keys, ledger, ids: systemIds, clock, cacheSize }), ledger };
    },
    erase: async (subjectId) => {
      const mappings = (await items()).filter(
        ({ id, subject_id }) => id!.S!.startsWith('natural-id/') && subject_id?.S === subjectId,
      );
      const epoch = {
        TableName,
        Key: { id: { S: 'state' } },
        UpdateExpression: 'ADD epoch :one',
        ExpressionAttributeValues: { ':one': { N: '1' } },
      };
      await dynamo.send(
        new TransactWriteItemsCommand({
          TransactItems: [
            ...mappings.map(({ id, hmac_version }) => ({
              Put: { TableName, Item: { id: id!, hmac_version: hmac_version! } },
            })),
            { Delete: { TableName, Key: { id: { S: `subject/${subjectId}` } } } },
            { Update: epoch },
          ],
        }),
      );
    },
    put: async (Item) => {
      await dynamo.send(new PutItemCommand({ TableName, Item }));
    },
  };
}

/** Makes a vault for its contract, each time new; `cacheSize` is how many resolutions it remembers. */
export const vaultUnderTest =
  ({ cacheSize }: { cacheSize?: number } = {}) =>
  async (clock: Clock) => {
    const clients = await motoClients();
    const made = await newAwsVault(clients);
    const { vault, ledger } = made.open(clients, { clock, cacheSize });
    return {
      vault,
      ledger,
      beside: () => made.open(clients, { clock, cacheSize }).vault,
      rotateKeys: () => made.open(clients).vault.rotateKeys(),
      erase: made.erase,
      close: () => {
        for (const client of Object.values(clients)) client.destroy();
      },
    };
  };

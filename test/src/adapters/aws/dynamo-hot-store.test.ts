import { DynamoHotStore } from '../../../../src/adapters/aws/dynamo-hot-store.ts';
import type { Clock } from '../../../../src/ports.ts';
import { hotStoreContract } from '../../../contracts/hot-store.ts';
import { describeWithMoto, motoClients, newHotTables } from '../../../support/moto.ts';

describeWithMoto('a hot store in DynamoDB', () => {
  hotStoreContract('DynamoDB', async (clock) => {
    const { dynamo } = await motoClients();
    const tableNames = await newHotTables(dynamo);
    const open = (other: Clock) => new DynamoHotStore({ client: dynamo, tableNames, clock: other });
    return { store: open(clock), beside: open, close: () => dynamo.destroy() };
  });
});

import { DynamoHotStore } from '../../../../src/adapters/aws/dynamo-hot-store.ts';
import { hotStoreContract } from '../../../contracts/hot-store.ts';
import { describeWithMoto, motoClients, newHotTables } from '../../../support/moto.ts';

describeWithMoto('a hot store in DynamoDB', () => {
  hotStoreContract('DynamoDB', async (clock) => {
    const { dynamo } = await motoClients();
    const store = new DynamoHotStore({ client: dynamo, tableNames: await newHotTables(dynamo), clock });
    return { store, close: () => dynamo.destroy() };
  });
});

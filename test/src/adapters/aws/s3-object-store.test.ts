import { S3ObjectStore } from '../../../../src/adapters/aws/s3-object-store.ts';
import { objectStoreContract } from '../../../contracts/object-store.ts';
import { describeWithMoto, motoClients, newBucket } from '../../../support/moto.ts';

describeWithMoto('an S3 bucket', () => {
  objectStoreContract('S3', async () => {
    const { s3 } = await motoClients();
    const store = new S3ObjectStore({ client: s3, bucket: await newBucket(s3), prefix: 'lake/' });
    return { store, close: () => s3.destroy() };
  });
});

import { S3ObjectStore } from '../../../../src/adapters/aws/s3-object-store.ts';
import { objectStoreContract } from '../../../contracts/object-store.ts';
import { describeWithMoto, motoClients, newBucket, plantObjects } from '../../../support/moto.ts';

describeWithMoto('an S3 bucket', () => {
  objectStoreContract('S3', async () => {
    const { s3 } = await motoClients();
    const bucket = await newBucket(s3);
    const store = new S3ObjectStore({ client: s3, bucket, prefix: 'lake/' });
    const plant = (keys: string[]) =>
      plantObjects(
        bucket,
        keys.map((key) => `lake/${key}`),
      );
    return { store, plant, close: () => s3.destroy() };
  });
});

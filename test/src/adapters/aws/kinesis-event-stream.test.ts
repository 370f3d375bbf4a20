import { KinesisEventStream } from '../../../../src/adapters/aws/kinesis-event-stream.ts';
import { eventStreamContract } from '../../../contracts/event-stream.ts';
import { describeWithMoto, motoClients, newStream } from '../../../support/moto.ts';

describeWithMoto('a Kinesis stream', () => {
  eventStreamContract('Kinesis', async () => {
    const { kinesis } = await motoClients();
    const stream = new KinesisEventStream({ client: kinesis, streamName: await newStream(kinesis, 4) });
    return { stream, close: () => kinesis.destroy() };
  });
});

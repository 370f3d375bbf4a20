/** Consumer A on Lambda: a batch of a Kinesis shard goes to raw/ and quarantine/. */
import { awsEnvironment } from '../src/adapters/aws/environment.ts';
import { archiveConsumer } from '../src/flows/archive-events.ts';
import { kinesisHandler } from '../src/flows/kinesis-handler.ts';

const env = awsEnvironment(process.env);

export const handler = kinesisHandler(env, archiveConsumer(env), {
  onFailure: ({ name, message }) => console.error(JSON.stringify({ level: 'ERROR', name, message })),
});

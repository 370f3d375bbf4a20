/** Consumer A on Lambda: a batch of a Kinesis shard goes to raw/ and quarantine/. */
import { embeddedMetrics } from '../src/adapters/aws/embedded-metrics.ts';
import { awsEnvironment } from '../src/adapters/aws/environment.ts';
import { archiveConsumer } from '../src/flows/archive-events.ts';
import { kinesisHandler } from '../src/flows/kinesis-handler.ts';

const env = awsEnvironment(process.env);
const metrics = embeddedMetrics(process.env);
const consumer = archiveConsumer(env, { onArchived: (counts) => metrics.door('events', counts) });

export const handler = kinesisHandler(env, consumer, {
  onFailure: ({ name, message }) => console.error(JSON.stringify({ level: 'ERROR', name, message })),
});

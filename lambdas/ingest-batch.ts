/** The file door on Lambda: files that landed go to raw/ and quarantine/, by the notices that S3 puts into a queue. */
import { embeddedMetrics } from '../src/adapters/aws/embedded-metrics.ts';
import { awsEnvironment } from '../src/adapters/aws/environment.ts';
import { landingHandler } from '../src/flows/landing-handler.ts';

const metrics = embeddedMetrics(process.env);

export const handler = landingHandler(awsEnvironment(process.env), {
  onIngested: (dataset, file) => {
    console.log(JSON.stringify({ level: 'INFO', message: 'ingested', dataset, ...file }));
    // Each call tells what has come in of the file so far: it is counted once, whole.
    if (file.isFinished) metrics.door(dataset, file);
  },
  onRefused: (message) => console.warn(JSON.stringify({ level: 'WARN', message })),
  onFailure: (message) => console.error(JSON.stringify({ level: 'ERROR', message })),
});

/** A function that takes messages from a queue, one at a time, a few of them side by side. */
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { allow } from '../permissions.ts';
import { FlowFunction, type FlowFunctionProps } from './flow-function.ts';

export interface QueueConsumerProps extends Omit<FlowFunctionProps, 'source'> {
  queueArn: string;
}

const takeMessages = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];

export class QueueConsumer extends Construct {
  constructor(scope: Construct, id: string, { queueArn, ...props }: QueueConsumerProps) {
    super(scope, id);
    const source = { statements: [allow(takeMessages, queueArn)] };
    const consumer = new FlowFunction(this, 'Consumer', { ...props, source });
    // It writes notices of its own, by which a long file goes on: AWS would stop that as a loop.
    consumer.resource.recursiveLoop = 'Allow';
    new CfnEventSourceMapping(this, 'Mapping', {
      functionName: consumer.arn,
      eventSourceArn: queueArn,
      // Each message has the call's whole time.
      batchSize: 1,
      functionResponseTypes: ['ReportBatchItemFailures'],
      // Also without reserved concurrency: messages wait in the queue, and are not counted as tried. At least 2.
      scalingConfig: { maximumConcurrency: props.mostCalls },
    });
  }
}

/** Looks whether the parts of a deployment are there and can work. Each look changes nothing. */
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { DescribeStreamSummaryCommand } from '@aws-sdk/client-kinesis';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { paginateListSubscriptionsByTopic } from '@aws-sdk/client-sns';
import { clientSettings, dynamoClient, kinesisClient, s3Client, snsClient } from './clients.ts';
import type { Deployment } from './deployment.ts';
import { read } from './environment.ts';
import { adapterError } from './errors.ts';
import { inParallel } from './parallel.ts';

export class DeploymentProbes {
  readonly #deployment: Deployment;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
  }

  /** The lake's bucket, and how many seconds this machine's clock is ahead of AWS' one. */
  async lake(): Promise<{ bucket: string; clockSecondsAhead: number }> {
    const bucket = this.#read('C360_BUCKET');
    const answeredAt = await this.#headBucket(bucket);
    const clockSecondsAhead = Math.round((this.#deployment.env.clock.now().getTime() - answeredAt.getTime()) / 1000);
    return { bucket, clockSecondsAhead };
  }

  /** The bucket of what Lambda could not hand over. */
  async failuresBucket(): Promise<string> {
    const bucket = this.#read('C360_FAILURES_BUCKET');
    await this.#headBucket(bucket);
    return bucket;
  }

  /** The tables that are not `ACTIVE`, by their name, and the number of all. */
  async tables(): Promise<{ count: number; notActive: string[] }> {
    const client = dynamoClient(this.#settings);
    const names = Object.keys(this.#deployment.variables).filter((name) => name.startsWith('C360_TABLE_'));
    const states = await inParallel(names, 4, async (name) => {
      const TableName = this.#read(name);
      const asked = asking(`table ${TableName}`, client.send(new DescribeTableCommand({ TableName })));
      return { TableName, status: (await asked).Table?.TableStatus };
    });
    const notActive = states.filter(({ status }) => status !== 'ACTIVE').map(({ TableName }) => TableName);
    return { count: names.length, notActive };
  }

  async stream(): Promise<{ status: string; shards: number; retentionHours: number }> {
    const StreamName = this.#read('C360_STREAM');
    const command = new DescribeStreamSummaryCommand({ StreamName });
    const { StreamDescriptionSummary: summary } = await asking(
      `stream ${StreamName}`,
      kinesisClient(this.#settings).send(command),
    );
    return {
      status: String(summary?.StreamStatus),
      shards: summary?.OpenShardCount ?? 0,
      retentionHours: summary?.RetentionPeriodHours ?? 0,
    };
  }

  /** Status of the pipeline's state machine, `ACTIVE` or `DELETING`. */
  async stateMachine(): Promise<string> {
    const client = new SFNClient({ ...this.#settings });
    const command = new DescribeStateMachineCommand({ stateMachineArn: this.#read('C360_STATE_MACHINE') });
    return String((await asking('state machine of the pipeline', client.send(command))).status);
  }

  /** How many get the alerts, and how many have not confirmed that they want them. */
  async subscriptions(): Promise<{ confirmed: number; pending: number }> {
    const TopicArn = this.#read('C360_ALERTS_TOPIC');
    const subscriptions = { confirmed: 0, pending: 0 };
    const count = async () => {
      for await (const page of paginateListSubscriptionsByTopic({ client: snsClient(this.#settings) }, { TopicArn })) {
        for (const { SubscriptionArn } of page.Subscriptions ?? []) {
          if (SubscriptionArn === 'PendingConfirmation') subscriptions.pending += 1;
          else subscriptions.confirmed += 1;
        }
      }
    };
    await asking('topic of the alerts', count());
    return subscriptions;
  }

  /** Asks whether a bucket is there; the time at which AWS answered. */
  async #headBucket(Bucket: string): Promise<Date> {
    const client = s3Client(this.#settings);
    let date: string | undefined;
    client.middlewareStack.add(
      (next) => async (asked) => {
        const answer = await next(asked);
        date = (answer.response as { headers?: Record<string, string> }).headers?.date;
        return answer;
      },
      { step: 'deserialize', priority: 'low' },
    );
    await asking(`bucket ${Bucket}`, client.send(new HeadBucketCommand({ Bucket })));
    return new Date(date ?? '');
  }

  #read(name: string): string {
    return read(this.#deployment.variables, name);
  }

  get #settings() {
    return clientSettings(this.#deployment.variables);
  }
}

async function asking<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw adapterError(`${what}: looking at it`, error);
  }
}

/** A queue of moto that subscribes to a topic, spoken to as SQS is: the project has no client of it. */
import { randomUUID } from 'node:crypto';
import { CreateTopicCommand, type SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { motoAddress } from './moto.ts';

/** What SNS puts into a queue for a message. */
interface Notification {
  Subject: string;
  Message: string;
  MessageAttributes: Record<string, { Type: string; Value: string }>;
}

export interface TopicUnderTest {
  topicArn: string;
  /** What the topic's subscriber got, in order of its arrival. */
  received(): Promise<Notification[]>;
}

export async function newTopic(client: SNSClient): Promise<TopicUnderTest> {
  const { TopicArn: topicArn = '' } = await client.send(new CreateTopicCommand({ Name: `alerts-${randomUUID()}` }));
  return { topicArn, received: await subscribe(client, topicArn) };
}

/** Subscribes a queue to the topic. What it returns tells what the queue got until then, in order of its arrival. */
export async function subscribe(client: SNSClient, TopicArn: string): Promise<() => Promise<Notification[]>> {
  const QueueName = `alerts-${randomUUID()}`;
  const { QueueUrl } = await sqs<{ QueueUrl: string }>('CreateQueue', { QueueName });
  const Endpoint = `arn:aws:sqs:eu-west-1:123456789012:${QueueName}`;
  await client.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint }));
  const all: Notification[] = [];
  return async () => {
    for (;;) {
      const { Messages = [] } = await sqs<{ Messages?: { Body: string; ReceiptHandle: string }[] }>('ReceiveMessage', {
        QueueUrl,
        MaxNumberOfMessages: 1,
      });
      const [message] = Messages;
      if (!message) return all;
      all.push(JSON.parse(message.Body) as Notification);
      await sqs('DeleteMessage', { QueueUrl, ReceiptHandle: message.ReceiptHandle });
    }
  };
}

export async function sqs<Answer>(action: string, body: object): Promise<Answer> {
  const answer = await fetch(await motoAddress(), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${action}`,
      // moto reads from the signature which service is meant, and checks it no further.
      authorization:
        'AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`moto's SQS answered ${action} with HTTP ${answer.status}`);
  const text = await answer.text();
  return (text === '' ? {} : JSON.parse(text)) as Answer;
}

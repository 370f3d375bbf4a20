import { DynamoHotStore } from '../../../../src/adapters/aws/dynamo-hot-store.ts';
import { SnsAlerts, type SnsAlertsOptions } from '../../../../src/adapters/aws/sns-alerts.ts';
import type { Alert } from '../../../../src/ports.ts';
import { alertsContract } from '../../../contracts/alerts.ts';
import { type FaultyAws, faultyAws, rejection } from '../../../support/faulty-aws.ts';
import { describeWithMoto, motoClients, newHotTables } from '../../../support/moto.ts';
import { newTopic, type TopicUnderTest } from '../../../support/moto-queue.ts';

describeWithMoto('an SNS topic', () => {
  alertsContract('SNS', async () => {
    const clients = await motoClients();
    const [topic, tableNames] = await Promise.all([newTopic(clients.sns), newHotTables(clients.dynamo)]);
    let now = Date.now();
    const clock = { now: () => new Date(now) };
    const beside = () => {
      const hot = new DynamoHotStore({ client: clients.dynamo, tableNames, clock });
      return new SnsAlerts({ client: clients.sns, topicArn: topic.topicArn, hot, clock });
    };
    const told = async () =>
      (await topic.received()).map(({ Subject, Message, MessageAttributes }) => ({
        severity: MessageAttributes.severity!.Value as Alert['severity'],
        subject: Subject,
        text: Message,
      }));
    const advance = (milliseconds: number) => {
      now += milliseconds;
    };
    const close = () => {
      for (const client of Object.values(clients)) client.destroy();
    };
    return { alerts: beside(), beside, advance, told, close };
  });
});

describeWithMoto('an SNS topic that fails', () => {
  const alert: Alert = { id: 'run 1', severity: 'critical', subject: 'A run failed', text: 'planted-7f3a9c' };
  let aws: FaultyAws;
  let topic: TopicUnderTest;
  let options: SnsAlertsOptions;
  let alerts: SnsAlerts;

  beforeEach(async () => {
    aws = await faultyAws();
    topic = await newTopic(aws.clients.sns);
    const clock = { now: () => new Date() };
    const tableNames = await newHotTables(aws.clients.dynamo);
    const hot = new DynamoHotStore({ client: aws.clients.dynamo, tableNames, clock });
    options = { client: aws.clients.sns, topicArn: topic.topicArn, hot, clock };
    alerts = new SnsAlerts(options);
  });
  afterEach(() => aws.close());

  test('is tried again later: what was not told is not noted as told', async () => {
    const gone = new SnsAlerts({ ...options, topicArn: `${topic.topicArn}-gone` });
    const error = await rejection(gone.send(alert));
    expect(error).toMatchObject({ message: expect.stringMatching(/^SNS: publishing an alert failed with NotFound/) });
    expect(String(error)).not.toContain('planted');
    await alerts.send(alert);
    expect(await topic.received()).toHaveLength(1);
  });
});

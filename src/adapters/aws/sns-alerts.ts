/** Alerts on an SNS topic, whose subscribers are e-mail addresses and functions. */
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { alertMemoryMs, alertProblem } from '../../domain/limits/alert.ts';
import { type Alert, type Alerts, type Clock, ConditionFailed, type HotStore } from '../../ports.ts';
import { adapterError, refusal } from './errors.ts';

export interface SnsAlertsOptions {
  client: SNSClient;
  topicArn: string;
  /** Remembers which alerts were told: SNS knows no duplicates on a topic that sends e-mails. */
  hot: HotStore;
  clock: Clock;
}

export class SnsAlerts implements Alerts {
  readonly #options: SnsAlertsOptions;

  constructor(options: SnsAlertsOptions) {
    this.#options = options;
  }

  async send(alert: Alert): Promise<void> {
    const problem = alertProblem(alert);
    if (problem) throw refusal(problem);
    const key = { partition: 'alerts', sort: alert.id };
    if (await this.#options.hot.get('alerts', key)) return;
    await this.#publish(alert);
    // Noted behind the word itself: an alert that is told twice is better than one that is not told.
    const { hot, clock } = this.#options;
    const expiresAt = new Date(clock.now().getTime() + alertMemoryMs);
    const noted = { ...key, values: { severity: alert.severity }, expiresAt };
    try {
      await hot.write([{ table: 'alerts', put: noted, if: { absent: true } }]);
    } catch (error) {
      // Somebody else told it at the same time.
      if (!(error instanceof ConditionFailed)) throw error;
    }
  }

  async #publish({ id, severity, subject, text }: Alert): Promise<void> {
    const attribute = (StringValue: string) => ({ DataType: 'String', StringValue });
    const command = new PublishCommand({
      TopicArn: this.#options.topicArn,
      Subject: subject,
      Message: text,
      MessageAttributes: { id: attribute(id), severity: attribute(severity) },
    });
    try {
      await this.#options.client.send(command);
    } catch (error) {
      throw adapterError('SNS: publishing an alert', error);
    }
  }
}

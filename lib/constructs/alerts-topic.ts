/** The topic of all alerts, with the address that gets them by e-mail. */
import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { eventRules, publishers } from './keys.ts';

export interface AlertsTopicProps {
  key: IKey;
  email?: string;
}

export class AlertsTopic extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, { key, email }: AlertsTopicProps) {
    super(scope, id);
    const topic = new Topic(this, 'Topic', { displayName: 'Customer 360', masterKey: key, enforceSSL: true });
    const publish = (services: string[], conditions?: Record<string, object>) =>
      topic.addToResourcePolicy(
        new PolicyStatement({
          principals: services.map((service) => new ServicePrincipal(service)),
          actions: ['sns:Publish'],
          resources: [topic.topicArn],
          conditions,
        }),
      );
    publish(publishers, { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } });
    publish([eventRules]);
    if (email) topic.addSubscription(new EmailSubscription(email));
    this.arn = topic.topicArn;
  }
}

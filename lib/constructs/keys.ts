/** The three keys of a deployment, each rotated yearly: of the data, of the vault, and of the ledger of suppressed people. */
import { type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

/** Services that publish to the encrypted topic and say for which account: alarms, the budget. */
export const publishers = ['cloudwatch', 'budgets'].map((service) => `${service}.amazonaws.com`);

/** Rules of EventBridge publish too and do not say it: where a policy asks, what they tell is dropped without a word. */
export const eventRules = 'events.amazonaws.com';

export class Keys extends Construct {
  /** Of lake, stream, hot store, topic and logs. */
  readonly data: Key;
  readonly vault: Key;
  readonly ledger: Key;

  constructor(scope: Construct, id: string, { removalPolicy }: { removalPolicy: RemovalPolicy }) {
    super(scope, id);
    const key = (name: string, description: string) =>
      new Key(this, name, { description: `Customer 360: ${description}`, enableKeyRotation: true, removalPolicy });
    this.data = key('Data', 'lake, stream, hot store, topic and logs');
    this.vault = key('Vault', 'the vault of personal data');
    this.ledger = key('Ledger', 'the ledger of suppressed people');
    const { region, account, partition } = Stack.of(this);
    const use = (services: string[], conditions: Record<string, object>) =>
      this.data.addToResourcePolicy(
        new PolicyStatement({
          principals: services.map((service) => new ServicePrincipal(service)),
          actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
          resources: ['*'],
          conditions,
        }),
      );
    use(publishers, { StringEquals: { 'aws:SourceAccount': account } });
    use([eventRules], {
      ArnLike: { 'kms:EncryptionContext:aws:sns:topicArn': `arn:${partition}:sns:${region}:${account}:*` },
    });
    this.data.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
        actions: [
          'kms:Encrypt',
          'kms:Decrypt',
          'kms:ReEncryptFrom',
          'kms:ReEncryptTo',
          'kms:GenerateDataKey',
          'kms:DescribeKey',
        ],
        resources: ['*'],
        conditions: {
          ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*` },
        },
      }),
    );
  }
}

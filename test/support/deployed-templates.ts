/**
 * The synthesized templates on a moto server: their buckets, tables, keys, stream, queues and topic are made as they say, their
 * references resolved as CloudFormation does. What moto cannot make is not made; a type that is not known here is an error.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  UpdateTimeToLiveCommand,
  type UpdateTimeToLiveCommandInput,
} from '@aws-sdk/client-dynamodb';
import {
  CreateDatabaseCommand,
  CreateTableCommand as CreateGlueTableCommand,
  type DatabaseInput,
  type GlueClient,
  type TableInput,
} from '@aws-sdk/client-glue';
import { CreateStreamCommand } from '@aws-sdk/client-kinesis';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import { CreateBucketCommand, PutBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3';
import { CreateTopicCommand } from '@aws-sdk/client-sns';
import { type AwsClients, clientSettings, glueClient } from '../../src/adapters/aws/clients.ts';
import { type Statement, workgroupArn } from './iam.ts';
import { motoAddress } from './moto.ts';
import { sqs } from './moto-queue.ts';
import { type Resource, resourcesOf, type Synthesized, type Template } from './synthesized.ts';

/** How CloudFormation names a resource: what `Ref` gives, and the attributes of `Fn::GetAtt`. */
interface Made {
  ref: string;
  attributes: Record<string, string>;
}

interface Policy {
  PolicyDocument: { Statement: unknown[] };
}

interface BucketProperties {
  NotificationConfiguration?: unknown;
  BucketEncryption?: {
    ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { KMSMasterKeyID?: string } }];
  };
}

type TableProperties = Partial<
  Pick<CreateTableCommandInput, 'KeySchema' | 'AttributeDefinitions' | 'BillingMode' | 'SSESpecification'> &
    Pick<UpdateTimeToLiveCommandInput, 'TimeToLiveSpecification'>
>;

export interface DeployedFunctionTemplate {
  flow: string;
  /** The module of its bundle. */
  path: string;
  variables: Record<string, string>;
  /** What its role allows. */
  statements: Statement[];
}

const account = '123456789012';
const region = 'eu-west-1';
const arn = (service: string, rest: string) => `arn:aws:${service}:${region}:${account}:${rest}`;

/** Types that are not made: moto fakes or lacks them, or nobody asks for them here. */
const notMade =
  /^AWS::(IAM|Lambda|Logs|StepFunctions|Scheduler|Events|CloudWatch|Budgets|CDK|EC2|Athena)::|^AWS::Glue::(Job|SecurityConfiguration)|^AWS::RedshiftServerless::Namespace$|Policy$|^Custom::|^AWS::SNS::Subscription$/;

export class DeployedTemplates {
  /** Parameter path -> value. */
  readonly parameters = new Map<string, string>();
  /** ARN of a bucket, table or topic -> that of the KMS key that seals what it holds. */
  readonly sealedUnder = new Map<string, string>();
  readonly glue: GlueClient;
  readonly #clients: AwsClients;
  readonly #outdir: string;
  /** By template and logical id: ids of two templates may be alike. */
  readonly #made = new Map<Template, Map<string, Made>>();

  private constructor(clients: AwsClients, glue: GlueClient, outdir: string) {
    this.#clients = clients;
    this.glue = glue;
    this.#outdir = outdir;
  }

  /** Makes the resources of all templates, in their order. */
  static async deploy(
    clients: AwsClients,
    { outdir, templates }: { outdir: string; templates: Synthesized['templates'] },
  ): Promise<DeployedTemplates> {
    const key = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
    const settings = clientSettings({ AWS_REGION: region, AWS_ENDPOINT_URL: await motoAddress(), ...key });
    const deployed = new DeployedTemplates(clients, glueClient(settings), outdir);
    for (const template of Object.values(templates)) await deployed.#deploy(template);
    return deployed;
  }

  /** The value that CloudFormation would fill in. */
  resolve(template: Template, value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.resolve(template, one));
    if (typeof value !== 'object' || value === null) return value;
    const [[name, argument] = ['', undefined], ...others] = Object.entries(value);
    if (others.length === 0 && name === 'Ref') return this.#reference(template, String(argument));
    if (others.length === 0 && name === 'Fn::GetAtt') {
      const [id, attribute] = argument as [string, string];
      return this.#madeOf(template, id).attributes[attribute] ?? fail(`${id} has no attribute ${attribute} here`);
    }
    if (others.length === 0 && name === 'Fn::Join') {
      const [separator, parts] = argument as [string, unknown[]];
      return parts.map((part) => this.resolve(template, part)).join(separator);
    }
    if (others.length === 0 && name === 'Fn::Sub') {
      return String(argument).replaceAll(/\$\{([^}]+)\}/g, (_, id: string) => this.#reference(template, id));
    }
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.resolve(template, one)]));
  }

  /** The functions of a template, with what their roles allow. */
  functions(template: Template): DeployedFunctionTemplate[] {
    return Object.values(template.Resources)
      .filter(({ Type, Metadata }) => Type === 'AWS::Lambda::Function' && Metadata?.['C360::Flow'])
      .map(({ Properties, Metadata }) => {
        const { S3Key } = Properties.Code as { S3Key: string };
        const { Variables } = Properties.Environment as { Variables: object };
        const [role] = (Properties.Role as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'];
        return {
          flow: String(Metadata?.['C360::Flow']),
          path: join(this.#outdir, `asset.${S3Key.replace('.zip', '')}`, 'index.mjs'),
          variables: this.resolve(template, Variables) as Record<string, string>,
          statements: this.statementsOf(template, role),
        };
      });
  }

  /** A text with the paths of parameters in place of their values. */
  inWords(text: string): string {
    const longestFirst = [...this.parameters].sort(([, one], [, other]) => other.length - one.length);
    return longestFirst.reduce((told, [path, value]) => told.replaceAll(value, `<${path}>`), text);
  }

  /** What the role with this logical id allows. */
  statementsOf(template: Template, id: string): Statement[] {
    const { Policies = [] } = template.Resources[id]!.Properties as { Policies?: Policy[] };
    const attached = resourcesOf(template, 'AWS::IAM::Policy')
      .map(({ Properties }) => Properties as unknown as Policy & { Roles: { Ref: string }[] })
      .filter(({ Roles }) => Roles.some(({ Ref }) => Ref === id));
    const statements = [...Policies, ...attached].flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
    return this.resolve(template, statements) as Statement[];
  }

  async #deploy(template: Template): Promise<void> {
    this.#made.set(template, new Map());
    const waiting = Object.entries(template.Resources);
    while (waiting.length > 0) {
      // What a resource names must be made before it: the first whose references can be resolved is next.
      const index = waiting.findIndex(([, { Properties }]) => this.#canResolve(template, Properties));
      if (index === -1) throw new Error(`these resources wait for each other: ${waiting.map(([id]) => id).join(', ')}`);
      const [[id, resource]] = waiting.splice(index, 1) as [[string, Resource]];
      const properties = this.resolve(template, resource.Properties) as Record<string, never>;
      this.#made.get(template)!.set(id, await this.#make(id, resource.Type, properties));
    }
  }

  #canResolve(template: Template, properties: unknown): boolean {
    try {
      this.resolve(template, properties);
      return true;
    } catch (error) {
      if (error instanceof NotMadeYet) return false;
      throw error;
    }
  }

  async #make(id: string, type: string, properties: Record<string, never>): Promise<Made> {
    const make = this.#makers[type];
    if (make) return make(properties);
    if (!notMade.test(type)) fail(`resources of type ${type} are not made here`);
    const name = `not-made-${id}`;
    const made = arn(type.split('::')[1]!.toLowerCase(), name);
    // Attributes of the network and the namespace, which nobody asks here.
    return { ref: name, attributes: { Arn: made, GroupId: name, 'Namespace.NamespaceArn': made } };
  }

  readonly #makers: Record<string, (properties: Record<string, never>) => Promise<Made>> = {
    'AWS::SSM::Parameter': async ({ Name, Value }: Record<string, string>) => {
      this.parameters.set(Name!, Value!);
      return { ref: Name!, attributes: {} };
    },
    'AWS::KMS::Key': async () => {
      const { KeyMetadata } = await this.#clients.kms.send(new CreateKeyCommand({}));
      return { ref: KeyMetadata!.KeyId!, attributes: { Arn: KeyMetadata!.Arn! } };
    },
    'AWS::S3::Bucket': async ({ NotificationConfiguration, BucketEncryption }: BucketProperties) => {
      const Bucket = `bucket-${randomUUID()}`;
      const CreateBucketConfiguration = { LocationConstraint: region } as const;
      await this.#clients.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
      await this.#notify(Bucket, NotificationConfiguration);
      const Arn = `arn:aws:s3:::${Bucket}`;
      const [rule] = BucketEncryption!.ServerSideEncryptionConfiguration;
      this.#seal(Arn, rule.ServerSideEncryptionByDefault.KMSMasterKeyID);
      return { ref: Bucket, attributes: { Arn } };
    },
    'AWS::DynamoDB::Table': async ({ TimeToLiveSpecification, SSESpecification, ...properties }: TableProperties) => {
      const { KeySchema, AttributeDefinitions, BillingMode } = properties;
      const TableName = `table-${randomUUID()}`;
      const table: CreateTableCommandInput = { TableName, KeySchema, AttributeDefinitions, BillingMode };
      await this.#clients.dynamo.send(new CreateTableCommand(table));
      if (TimeToLiveSpecification) {
        const ending: UpdateTimeToLiveCommandInput = { TableName, TimeToLiveSpecification };
        await this.#clients.dynamo.send(new UpdateTimeToLiveCommand(ending));
      }
      const Arn = arn('dynamodb', `table/${TableName}`);
      this.#seal(Arn, SSESpecification!.KMSMasterKeyId);
      return { ref: TableName, attributes: { Arn } };
    },
    'AWS::Kinesis::Stream': async ({ ShardCount }) => {
      const StreamName = `stream-${randomUUID()}`;
      await this.#clients.kinesis.send(new CreateStreamCommand({ StreamName, ShardCount }));
      return { ref: StreamName, attributes: { Arn: arn('kinesis', `stream/${StreamName}`) } };
    },
    'AWS::SQS::Queue': async () => {
      const QueueName = `queue-${randomUUID()}`;
      const { QueueUrl } = await sqs<{ QueueUrl: string }>('CreateQueue', { QueueName });
      return { ref: QueueUrl, attributes: { Arn: arn('sqs', QueueName) } };
    },
    'AWS::Glue::Database': async ({ DatabaseInput }: Record<string, DatabaseInput>) => {
      await this.glue.send(new CreateDatabaseCommand({ DatabaseInput }));
      return { ref: DatabaseInput!.Name!, attributes: {} };
    },
    'AWS::Glue::Table': async ({ DatabaseName, TableInput }: { DatabaseName?: string; TableInput?: TableInput }) => {
      await this.glue.send(new CreateGlueTableCommand({ DatabaseName, TableInput }));
      return { ref: TableInput!.Name!, attributes: {} };
    },
    'AWS::RedshiftServerless::Workgroup': async ({ WorkgroupName }: Record<string, string>) => ({
      ref: WorkgroupName!,
      attributes: { 'Workgroup.WorkgroupArn': workgroupArn(WorkgroupName!) },
    }),
    'AWS::SNS::Topic': async ({ KmsMasterKeyId }) => {
      const { TopicArn } = await this.#clients.sns.send(new CreateTopicCommand({ Name: `topic-${randomUUID()}` }));
      this.#seal(TopicArn!, KmsMasterKeyId);
      return { ref: TopicArn!, attributes: { TopicArn: TopicArn! } };
    },
  };

  /** A key is named by its ARN or its id; without one the service has its own, for which nobody needs a right. */
  #seal(sealed: string, key: string | undefined): void {
    if (key) this.sealedUnder.set(sealed, key.startsWith('arn:') ? key : arn('kms', `key/${key}`));
  }

  /** CloudFormation names the parts of notices otherwise than S3 does. */
  async #notify(Bucket: string, given: unknown): Promise<void> {
    const { QueueConfigurations = [] } = (given ?? {}) as {
      QueueConfigurations?: { Event: 's3:ObjectCreated:*'; Queue: string; Filter: { S3Key: { Rules: [] } } }[];
    };
    const configurations = QueueConfigurations.map(({ Event, Queue, Filter }) => ({
      Events: [Event],
      QueueArn: Queue,
      Filter: { Key: { FilterRules: Filter.S3Key.Rules } },
    }));
    if (configurations.length === 0) return;
    const NotificationConfiguration = { QueueConfigurations: configurations };
    await this.#clients.s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
  }

  #reference(template: Template, name: string): string {
    const pseudo: Record<string, string> = {
      'AWS::Partition': 'aws',
      'AWS::Region': region,
      'AWS::AccountId': account,
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::StackId': arn('cloudformation', 'stack/test'),
    };
    const parameter = template.Parameters?.[name];
    if (name in pseudo) return pseudo[name]!;
    if (!parameter) return this.#madeOf(template, name).ref;
    const path = String(parameter.Default);
    return this.parameters.get(path) ?? fail(`nothing has put the parameter ${path}`);
  }

  #madeOf(template: Template, id: string): Made {
    const made = this.#made.get(template)!.get(id);
    if (!made) throw new NotMadeYet(`${id} is not made yet`);
    return made;
  }
}

class NotMadeYet extends Error {}

function fail(reason: string): never {
  throw new Error(reason);
}

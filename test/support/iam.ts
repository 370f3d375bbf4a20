/** Whether a role's policy allows a call, and which call a request to AWS is: as far as the platform's functions go. */

export interface Call {
  action: string;
  resource: string;
  /** Values of the condition keys that policies here name. */
  context: Record<string, string[]>;
}

export interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

/** A request as it reached AWS. */
export interface AwsRequest {
  /** The service's name in the request's signature. */
  service: string;
  /** What the header `x-amz-target` names, such as `PutItem`. */
  target: string | undefined;
  method: string;
  /** Path and query. */
  url: string;
  body: string;
}

const account = '123456789012';
const region = 'eu-west-1';

/** The statement that allows the call, where one does and none denies it. */
export function allowing(statements: Statement[], call: Call): Statement | undefined {
  const matching = statements.filter((one) => matches(one, call));
  if (matching.some(({ Effect }) => Effect === 'Deny')) return undefined;
  return matching.find(({ Effect }) => Effect === 'Allow');
}

function matches({ Action, Resource, Condition = {} }: Statement, { action, resource, context }: Call): boolean {
  return (
    [Action].flat().some((pattern) => isLike(pattern.toLowerCase(), action.toLowerCase())) &&
    [Resource].flat().some((pattern) => isLike(pattern, resource)) &&
    Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, wanted]) => holds(operator, context[key] ?? [], [wanted].flat())),
    )
  );
}

function holds(operator: string, values: string[], wanted: string[]): boolean {
  if (operator === 'StringEquals') return values.length > 0 && values.every((value) => wanted.includes(value));
  if (operator === 'ForAllValues:StringEquals') return values.every((value) => wanted.includes(value));
  throw new Error(`the condition ${operator} is not known here`);
}

/** `*` stands for any characters and `?` for one, as in policies. */
function isLike(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('?', '.'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text);
}

/** The calls that a request makes, as policies name them. Throws where the request is of a kind that is not known here. */
export function callsOf(request: AwsRequest): Call[] {
  const make = services[request.service];
  const calls = make?.(request);
  if (!calls || calls.length === 0) {
    throw new Error(
      `no policy is known for ${request.service}: ${request.target ?? `${request.method} ${request.url}`}`,
    );
  }
  return calls;
}

/**
 * What the caller must be allowed to do with the key of what is sealed, beside the call itself: services ask KMS in the
 * caller's name. `sealedUnder` gives the key of a bucket, table or topic by its ARN.
 */
export function keyCallsOf({ action, resource }: Call, sealedUnder: ReadonlyMap<string, string>): Call[] {
  const key = sealedUnder.get(resource) ?? sealedUnder.get(resource.slice(0, resource.indexOf('/')));
  return key === undefined ? [] : (keyUses[action] ?? []).map((use) => call(use, key));
}

/** Parts of an upload are opened again when it ends. */
const readWrite = ['kms:GenerateDataKey', 'kms:Decrypt'];
const keyUses: Record<string, string[]> = {
  's3:GetObject': ['kms:Decrypt'],
  's3:PutObject': readWrite,
  'sns:Publish': readWrite,
  ...Object.fromEntries(
    ['BatchGetItem', 'ConditionCheckItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'].map((name) => [
      `dynamodb:${name}`,
      ['kms:Decrypt'],
    ]),
  ),
};

const arn = (service: string, rest: string) => `arn:aws:${service}:${region}:${account}:${rest}`;
const call = (action: string, resource: string, context: Call['context'] = {}): Call => ({ action, resource, context });

const services: Record<string, (request: AwsRequest) => Call[]> = {
  s3: s3Calls,
  dynamodb: ({ target, body }) => dynamoCalls(target!, JSON.parse(body)),
  kms: ({ target, body }) => {
    const { KeyId } = JSON.parse(body) as { KeyId: string };
    return [call(`kms:${target}`, KeyId.startsWith('arn:') ? KeyId : arn('kms', `key/${KeyId}`))];
  },
  sns: ({ body }) => {
    const form = new URLSearchParams(body);
    return [call(`sns:${form.get('Action')}`, form.get('TopicArn')!)];
  },
  'redshift-data': ({ target, body }) => redshiftCalls(target!, JSON.parse(body)),
  glue: ({ target, body }) => glueCalls(target!, JSON.parse(body)),
};

function s3Calls({ method, url, body }: AwsRequest): Call[] {
  const { pathname, searchParams: query } = new URL(url, 'http://s3');
  const [bucket = '', ...rest] = decodeURIComponent(pathname).slice(1).split('/');
  const key = rest.join('/');
  const on = (action: string, name = key) => call(`s3:${action}`, `arn:aws:s3:::${bucket}${name ? `/${name}` : ''}`);
  if (query.has('delete')) {
    return [...body.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name]) => on('DeleteObject', name));
  }
  if (!key) {
    if (query.has('uploads')) return [on('ListBucketMultipartUploads')];
    return method === 'GET' || method === 'HEAD' ? [on('ListBucket')] : [];
  }
  if (method === 'DELETE') return [on(query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject')];
  // Parts of an upload, and its begin and end, need the right to put the object.
  if (method === 'PUT' || method === 'POST') return [on('PutObject')];
  return [on('GetObject')];
}

interface DynamoRequest {
  TableName?: string;
  Item?: Record<string, { S?: string }>;
  Key?: Record<string, { S?: string }>;
  TransactItems?: Record<string, DynamoRequest>[];
  RequestItems?: Record<string, unknown>;
}

const transacted: Record<string, string> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
  Get: 'GetItem',
};

function dynamoCalls(target: string, request: DynamoRequest): Call[] {
  const on = (action: string, { TableName, Item, Key }: DynamoRequest) => {
    const { partition, id } = Item ?? Key ?? {};
    const leading = partition?.S ?? id?.S;
    const context: Call['context'] = leading === undefined ? {} : { 'dynamodb:LeadingKeys': [leading] };
    return call(`dynamodb:${action}`, arn('dynamodb', `table/${TableName}`), context);
  };
  if (request.TransactItems) {
    return request.TransactItems.flatMap((item) =>
      Object.entries(item).map(([kind, inner]) => on(transacted[kind]!, inner)),
    );
  }
  if (request.RequestItems) return Object.keys(request.RequestItems).map((TableName) => on(target, { TableName }));
  return [on(target, request)];
}

/** A statement belongs to who runs it, who alone may ask after it; who that is, AWS fills in. */
function redshiftCalls(target: string, { WorkgroupName, SecretArn }: Record<string, string | undefined>): Call[] {
  const owner = { 'redshift-data:statement-owner-iam-userid': [`\${aws:userid}`] };
  if (target !== 'ExecuteStatement') return [call(`redshift-data:${target}`, '*', owner)];
  // A statement in a session names no workgroup; it is that of the session, whose user has been found.
  const execute = call('redshift-data:ExecuteStatement', workgroupArn(WorkgroupName ?? workgroupInSession));
  if (WorkgroupName === undefined) return [execute];
  if (SecretArn === undefined)
    return [execute, call('redshift-serverless:GetCredentials', workgroupArn(WorkgroupName))];
  // Six characters that Secrets Manager adds to the name.
  return [execute, call('secretsmanager:GetSecretValue', arn('secretsmanager', `secret:${SecretArn}-Ab12Cd`))];
}

const workgroupInSession = 'customer-360-test';
export const workgroupArn = (name: string) => arn('redshift-serverless', `workgroup/${name}`);

/** Glue asks for rights on the catalog, the database and the table. */
function glueCalls(target: string, { DatabaseName, TableName, Name }: Record<string, string | undefined>): Call[] {
  const table = TableName ?? Name;
  const resources = ['catalog', `database/${DatabaseName}`, ...(table ? [`table/${DatabaseName}/${table}`] : [])];
  return resources.map((resource) => call(`glue:${target}`, arn('glue', resource)));
}

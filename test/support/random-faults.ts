/** Faults of AWS at random, by a seed: a share of all requests, and times in which a service is wholly down. */
import { Random } from '../../src/generators/random.ts';
import type { Fault } from './fault-proxy.ts';
import { jsonError, leavingOut, leavingUnread, xmlError } from './faulty-aws.ts';

type Service = 'kinesis' | 's3' | 'dynamo' | 'kms';

/** The service answers none of so many requests, from its request of this number (from 0) on. */
export interface Outage {
  service: Service;
  from: number;
  requests: number;
}

export interface RandomFaultsOptions {
  seed: number;
  /** Share of the requests that fail, from 0 to 1. */
  share: number;
  outages?: readonly Outage[];
  /** Whether connections break too, or all faults are answers. */
  breaksConnections?: boolean;
}

/** What each request meets, by its operation (as `FaultProxy` names it), and how many met something. */
export function randomFaults({ seed, share, outages = [], breaksConnections = true }: RandomFaultsOptions) {
  const random = new Random(seed, 'faults');
  const requests = new Map<Service, number>();
  const met = { faults: 0, requests: 0 };
  const choose = (operation: string): Fault | undefined => {
    const service = serviceOf(operation);
    const number = requests.get(service) ?? 0;
    requests.set(service, number + 1);
    met.requests += 1;
    const isDown = outages.some(
      (outage) => outage.service === service && number >= outage.from && number < outage.from + outage.requests,
    );
    if (!isDown && !random.chance(share)) return undefined;
    met.faults += 1;
    const faults = isDown ? downFaults(service) : passingFaults(service, operation, random);
    return random.pick(breaksConnections ? faults : faults.filter(isAnswer));
  };
  return { choose, met };
}

const isAnswer = (fault: Fault): boolean => typeof fault === 'object' && !('cutAt' in fault);

function serviceOf(operation: string): Service {
  if (operation.includes(' ')) return 's3';
  if (/Record|Shard/.test(operation)) return 'kinesis';
  return /Decrypt|GenerateDataKey/.test(operation) ? 'kms' : 'dynamo';
}

const unavailable = { ...jsonError('ServiceUnavailableException'), status: 503 };

const internal: Record<Service, Fault> = {
  kinesis: jsonError('InternalFailure'),
  s3: xmlError(500, 'InternalError'),
  dynamo: jsonError('InternalServerError'),
  kms: { ...jsonError('KMSInternalException'), status: 500 },
};

function downFaults(service: Service): Fault[] {
  return ['cut before', internal[service], service === 's3' ? xmlError(503, 'ServiceUnavailable') : unavailable];
}

function passingFaults(service: Service, operation: string, random: Random): Fault[] {
  const common: Fault[] = [...downFaults(service), 'cut after', { cutAt: random.between(0, 200) }];
  if (service === 's3') return [...common, xmlError(503, 'SlowDown'), ...objectFaults(operation)];
  return [...common, jsonError('ThrottlingException'), ...operationFaults(operation, random)];
}

function objectFaults(operation: string): Fault[] {
  if (operation.startsWith('PUT')) return [xmlError(409, 'ConditionalRequestConflict')];
  if (!operation.startsWith('POST')) return [];
  const body = '<DeleteResult><Error><Key>k</Key><Code>InternalError</Code><Message>m</Message></Error></DeleteResult>';
  return [{ status: 200, body }];
}

/** Listed twice: what only this operation can meet should not be rare. */
function operationFaults(operation: string, random: Random): Fault[] {
  if (operation === 'TransactWriteItems') {
    const CancellationReasons = [{ Code: 'None' }, { Code: 'TransactionConflict' }];
    const conflict = jsonError('TransactionCanceledException', { CancellationReasons });
    return [conflict, conflict];
  }
  if (operation === 'BatchGetItem') return [leavingUnread(random.between(1, 100)), leavingUnread(1)];
  if (operation !== 'PutRecords') return [];
  const codes = ['ProvisionedThroughputExceededException', 'InternalFailure', undefined, undefined];
  return [leavingOut(() => random.pick(codes)), leavingOut((position) => codes[position % 2])];
}

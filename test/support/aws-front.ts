/**
 * The address that is given to functions, and to `c360`, for AWS: what the moto server can do goes there, the warehouse is asked
 * of a server of its own.
 */
import type { IncomingMessage } from 'node:http';
import { type Answer, FaultProxy } from './fault-proxy.ts';
import { type AwsRequest, type Call, callsOf, keyCallsOf } from './iam.ts';
import type { RedshiftDataServer } from './redshift-data-server.ts';

export class AwsFront extends FaultProxy {
  readonly #redshift: RedshiftDataServer;

  constructor(moto: string, redshift: RedshiftDataServer) {
    super(moto);
    this.#redshift = redshift;
  }

  protected override async forward(incoming: IncomingMessage, body: Buffer): Promise<Answer> {
    const [, action] = /^RedshiftData\.(\w+)/.exec(String(incoming.headers['x-amz-target'])) ?? [];
    if (!action) return super.forward(incoming, body);
    const { status, body: answer } = await this.#redshift.answer(action, JSON.parse(body.toString()));
    return { status, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: Buffer.from(answer) };
  }
}

/** One that writes down every call with who made it, and what it needs of keys. A caller is known by its access key. */
export class WatchedAwsFront extends AwsFront {
  /** Access key -> the calls, as policies name them. */
  readonly calls = new Map<string, Call[]>();
  readonly #sealedUnder: ReadonlyMap<string, string>;

  constructor(moto: string, redshift: RedshiftDataServer, sealedUnder: ReadonlyMap<string, string>) {
    super(moto, redshift);
    this.#sealedUnder = sealedUnder;
  }

  protected override forward(incoming: IncomingMessage, body: Buffer): Promise<Answer> {
    const { caller, request } = readRequest(incoming, body);
    const known = this.calls.get(caller) ?? [];
    for (const call of callsOf(request)) known.push(call, ...keyCallsOf(call, this.#sealedUnder));
    this.calls.set(caller, known);
    return super.forward(incoming, body);
  }
}

function readRequest(incoming: IncomingMessage, body: Buffer): { caller: string; request: AwsRequest } {
  const { headers, method = '', url = '' } = incoming;
  const [, caller = '', service = ''] =
    /Credential=([^/]+)\/[^/]+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? '') ?? [];
  const target = headers['x-amz-target'];
  const named = typeof target === 'string' ? target.split('.').at(-1) : undefined;
  return { caller, request: { service, target: named, method, url, body: body.toString() } };
}

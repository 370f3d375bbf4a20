/**
 * The address that functions are given for AWS: what the moto server can do goes there, the warehouse is asked of a server
 * of its own, and every call is written down with who made it. A caller is known by its access key.
 */
import type { IncomingMessage } from 'node:http';
import { type Answer, FaultProxy } from './fault-proxy.ts';
import { type AwsRequest, type Call, callsOf } from './iam.ts';
import type { RedshiftDataServer } from './redshift-data-server.ts';

export class AwsFront extends FaultProxy {
  /** Access key -> the calls, as policies name them. */
  readonly calls = new Map<string, Call[]>();
  readonly #redshift: RedshiftDataServer;

  constructor(moto: string, redshift: RedshiftDataServer) {
    super(moto);
    this.#redshift = redshift;
  }

  protected override async forward(incoming: IncomingMessage, body: Buffer): Promise<Answer> {
    const { caller, request } = readRequest(incoming, body);
    const known = this.calls.get(caller) ?? [];
    known.push(...callsOf(request));
    this.calls.set(caller, known);
    if (request.service !== 'redshift-data') return super.forward(incoming, body);
    const { status, body: answer } = await this.#redshift.answer(request.target!, JSON.parse(request.body));
    return { status, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: Buffer.from(answer) };
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

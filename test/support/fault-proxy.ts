/**
 * An HTTP proxy on 127.0.0.1 in front of the moto server. It fails requests as AWS or a network does and moto cannot:
 * throttling, partial failures, connections that break, answers that never come.
 */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export type Fault =
  /** An answer in place of the server's, which hears nothing. */
  | { status: number; body: string }
  /** The server acts on a changed request, or its answer is changed. */
  | { request?: (body: string) => string; response?: (body: string) => string }
  /** The connection breaks before the server hears of the request; after it acted; or after so many bytes of its answer. */
  | 'cut before'
  | 'cut after'
  | { cutAt: number };

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export class FaultProxy {
  /** Every request that arrived: the operation (`PutRecords`, `PUT /bucket/key`) and its body. */
  readonly requests: { operation: string; body: string }[] = [];
  readonly #target: string;
  readonly #server: Server;
  #faults: { operation: RegExp; fault: Fault; isLasting: boolean }[] = [];
  #choose: (operation: string, body: string) => Fault | undefined = () => undefined;

  constructor(target: string) {
    this.#target = target;
    this.#server = createServer((incoming, outgoing) => {
      this.#pass(incoming, outgoing).catch(() => outgoing.destroy());
    });
  }

  /** Starts listening; the address to give to clients. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Lets the next requests whose operation matches meet these faults, one each. */
  failNext(operation: RegExp, ...faults: Fault[]): void {
    this.#faults.push(...faults.map((fault) => ({ operation, fault, isLasting: false })));
  }

  /** Lets every request whose operation matches meet this fault. */
  failAll(operation: RegExp, fault: Fault): void {
    this.#faults.push({ operation, fault, isLasting: true });
  }

  /** Lets `choose` say of each request that meets no other fault what it meets; it replaces what was given before. */
  failBy(choose: (operation: string, body: string) => Fault | undefined): void {
    this.#choose = choose;
  }

  /** The bodies of the requests for one operation, in order. */
  bodies(operation: RegExp): string[] {
    return this.requests.filter((one) => operation.test(one.operation)).map(({ body }) => body);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const operation = operationOf(incoming);
    this.requests.push({ operation, body: body.toString() });
    const fault = this.#take(operation, body.toString());
    if (fault === 'cut before') {
      outgoing.destroy();
    } else if (fault !== undefined && typeof fault === 'object' && 'status' in fault) {
      outgoing.writeHead(fault.status).end(fault.body);
    } else {
      const change = typeof fault === 'object' && 'request' in fault ? fault.request : undefined;
      const answer = await this.forward(incoming, change ? Buffer.from(change(body.toString())) : body);
      answerWith(outgoing, answer, fault);
    }
  }

  #take(operation: string, body: string): Fault | undefined {
    const found = this.#faults.find((one) => one.operation.test(operation));
    if (found && !found.isLasting) this.#faults = this.#faults.filter((one) => one !== found);
    return found ? found.fault : this.#choose(operation, body);
  }

  protected forward(incoming: IncomingMessage, body: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = { ...incoming.headers, 'content-length': String(body.length) };
      const passed = request(`${this.#target}${incoming.url}`, { method: incoming.method, headers }, (answer) => {
        buffer(answer).then(
          (content) => resolve({ status: answer.statusCode!, headers: answer.headers, body: content }),
          reject,
        );
      });
      passed.on('error', reject);
      passed.end(body);
    });
  }
}

function operationOf({ headers, method, url }: IncomingMessage): string {
  const target = headers['x-amz-target'];
  return typeof target === 'string' ? target.split('.').at(-1)! : `${method} ${url}`;
}

function answerWith(outgoing: ServerResponse, answer: Answer, fault: Fault | undefined): void {
  const { status, headers, body } = answer;
  if (fault === 'cut after') {
    outgoing.destroy();
  } else if (outgoing.req.method === 'HEAD') {
    // Its length is that of the object, which it does not bring.
    outgoing.writeHead(status, headers).end();
  } else if (typeof fault === 'object' && 'cutAt' in fault) {
    outgoing.writeHead(status, headers);
    outgoing.write(body.subarray(0, fault.cutAt), () => outgoing.destroy());
  } else {
    const change = typeof fault === 'object' && 'response' in fault ? fault.response : undefined;
    const content = change ? Buffer.from(change(body.toString())) : body;
    // A checksum of the first content does not fit the changed one.
    const kept = Object.entries(headers).filter(
      ([name]) => !/^(x-amz-crc32|content-length|transfer-encoding)$/.test(name),
    );
    outgoing.writeHead(status, { ...Object.fromEntries(kept), 'content-length': String(content.length) });
    outgoing.end(content);
  }
}

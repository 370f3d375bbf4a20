/** Clients that reach moto through a proxy which injects faults, and a timer that waits for nothing and writes it down. */

import type { AwsClients } from '../../src/adapters/aws/clients.ts';
import type { Timer } from '../../src/ports.ts';
import { type Fault, FaultProxy } from './fault-proxy.ts';
import { motoAddress, motoClients } from './moto.ts';

export interface FaultyAws {
  clients: AwsClients;
  proxy: FaultProxy;
  /** The proxy's address, for processes of their own. */
  endpoint: string;
  timer: Timer;
  /** What was waited for, in milliseconds. */
  waits: number[];
  close(): Promise<void>;
}

export async function faultyAws(): Promise<FaultyAws> {
  const proxy = new FaultProxy(await motoAddress());
  const endpoint = await proxy.start();
  const clients = await motoClients(endpoint);
  const waits: number[] = [];
  const timer: Timer = {
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
    },
    random: () => 0.5,
  };
  const close = async () => {
    for (const client of Object.values(clients)) client.destroy();
    await proxy.close();
  };
  return { clients, proxy, endpoint, timer, waits, close };
}

/** An error of a JSON service. Its message quotes data, as AWS' messages do: none of it may come out. */
export function jsonError(type: string, more: object = {}): { status: number; body: string } {
  const body = { __type: `com.amazonaws.service#${type}`, message: 'value planted-7f3a9c is wrong', ...more };
  return { status: type.startsWith('Internal') ? 500 : 400, body: JSON.stringify(body) };
}

/** An error of S3. */
export function xmlError(status: number, code: string): { status: number; body: string } {
  return { status, body: `<Error><Code>${code}</Code><Message>value planted-7f3a9c is wrong</Message></Error>` };
}

/** What a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it was not rejected');
    },
    (error: unknown) => error,
  );
}

interface BatchGet {
  RequestItems: Record<string, { Keys: object[] }>;
}

const keysIn = ({ RequestItems }: BatchGet) => Object.values(RequestItems)[0]!.Keys;

/** The keys that the body of a BatchGetItem asks for, of its one table. */
export const batchKeys = (body: string): object[] => keysIn(JSON.parse(body) as BatchGet);

/** DynamoDB reads all keys of a request but the first `count`, and says so. */
export function leavingUnread(count: number): Fault {
  let asked: BatchGet;
  const withKeys = (keys: object[]) => {
    const [[table, request]] = Object.entries(asked.RequestItems) as [[string, { Keys: object[] }]];
    return { [table]: { ...request, Keys: keys } };
  };
  return {
    request: (body) => {
      asked = JSON.parse(body) as BatchGet;
      const read = keysIn(asked).slice(count);
      // Some key must be asked for: that of no item.
      return JSON.stringify({ RequestItems: withKeys(read.length > 0 ? read : [{ id: { S: 'none' } }]) });
    },
    response: (body) =>
      JSON.stringify({ ...(JSON.parse(body) as object), UnprocessedKeys: withKeys(keysIn(asked).slice(0, count)) }),
  };
}

interface PutRecords {
  Records: object[];
}

/** Kinesis takes those records of a PutRecords to whose position `codeOf` gives no error code, and says so. */
export function leavingOut(codeOf: (position: number) => string | undefined): Fault {
  let codes: (string | undefined)[];
  return {
    request: (body) => {
      const { Records, ...rest } = JSON.parse(body) as PutRecords;
      codes = Records.map((_, position) => codeOf(position));
      return JSON.stringify({ ...rest, Records: Records.filter((_, position) => !codes[position]) });
    },
    response: (body) => {
      const taken = [...(JSON.parse(body) as PutRecords).Records];
      const entries = codes.map((ErrorCode) => (ErrorCode ? { ErrorCode, ErrorMessage: 'x' } : taken.shift()));
      return JSON.stringify({ FailedRecordCount: codes.filter(Boolean).length, Records: entries });
    },
  };
}

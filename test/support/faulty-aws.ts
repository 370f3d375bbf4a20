/** Clients that reach moto through a proxy which injects faults, and a timer that waits for nothing and writes it down. */

import type { AwsClients } from '../../src/adapters/aws/clients.ts';
import type { Timer } from '../../src/ports.ts';
import { FaultProxy } from './fault-proxy.ts';
import { motoAddress, motoClients } from './moto.ts';

export interface FaultyAws {
  clients: AwsClients;
  proxy: FaultProxy;
  timer: Timer;
  /** What was waited for, in milliseconds. */
  waits: number[];
  close(): Promise<void>;
}

export async function faultyAws(): Promise<FaultyAws> {
  const proxy = new FaultProxy(await motoAddress());
  const clients = await motoClients(await proxy.start());
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
  return { clients, proxy, timer, waits, close };
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

/** What tests of the stream share: waits that take no time, processes that die, dependencies that are down. */
import { AdapterError, type Environment, type Timer } from '../../src/ports.ts';
import { sampleEvent } from './sample-records.ts';

interface SetClock {
  now(): Date;
  advance(minutes: number): void;
}

/** A timer whose sleep moves the clock; it writes down how long each was, in milliseconds. */
export function virtualTimer(clock: SetClock): Timer & { waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
      clock.advance(milliseconds / 60_000);
    },
    random: () => 1,
  };
}

/** Login events, numbered from..to - 1, of five persons. */
export const eventsOf = (from: number, to: number): Buffer[] =>
  Array.from({ length: to - from }, (_, index) => {
    const event = sampleEvent('events/login/1', { userId: `u${(from + index) % 5}` });
    return Buffer.from(JSON.stringify({ ...event, eventId: eventIdOf(from + index) }));
  });

export const eventIdOf = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

type Call = () => Promise<unknown>;

/** The environment with each call of stream, objects, hot store and vault passed through `around`. */
export function intercept(
  env: Environment,
  around: (port: string, method: string, call: Call, args: unknown[]) => Promise<unknown>,
): Environment {
  const intercepted = <Port extends object>(name: string, port: Port): Port =>
    new Proxy(port, {
      get: (target, method) => {
        const member: unknown = Reflect.get(target, method, target);
        if (typeof member !== 'function' || method === 'list' || method === 'open') return member;
        return (...args: unknown[]) => around(name, String(method), async () => member.apply(target, args), args);
      },
    });
  const { stream, objects, hot, vault } = env;
  return {
    ...env,
    stream: intercepted('stream', stream),
    objects: intercepted('objects', objects),
    hot: intercepted('hot', hot),
    vault: intercepted('vault', vault),
  };
}

/** The process is no more: none of its calls reaches anything. */
export class Death extends Error {}

/** The environment of a process that dies at its `at`-th call of a port, `before` or `after` the call does its work. */
export function dyingAt(env: Environment, at: number, when: 'before' | 'after') {
  const state = { calls: 0 };
  const dying = intercept(env, async (_port, _method, call) => {
    const number = state.calls;
    state.calls += 1;
    if (at >= 0 && (number > at || (number === at && when === 'before'))) throw new Death();
    const result = await call();
    if (number === at) throw new Death();
    return result;
  });
  return { env: dying, state };
}

/** The environment with one port down as long as `isDown` says so. */
export function withOutage(env: Environment, port: 'vault' | 'objects' | 'hot' | 'stream', isDown: () => boolean) {
  return intercept(env, async (name, method, call) => {
    if (name === port && isDown()) throw new AdapterError(`${port}: ${method} got no answer`, { retryable: true });
    return call();
  });
}

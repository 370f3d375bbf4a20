/** A platform in a temporary directory for tests of the doors: local adapters, a clock that is set, ids that are counted. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import type { Dataset } from '../../src/contracts/index.ts';
import { landingKey } from '../../src/domain/lake/layout.ts';
import { open } from '../../src/domain/privacy/seal.ts';
import type { RawLine } from '../../src/domain/privacy/separate.ts';
import type { QuarantineLine } from '../../src/flows/door.ts';
import { openPlatform } from '../../src/local/platform.ts';
import type { Environment, NaturalId, ObjectStore } from '../../src/ports.ts';
import { collect } from './collect.ts';

class VirtualClock {
  #now: Date;

  constructor(now: string) {
    this.#now = new Date(now);
  }

  now(): Date {
    return this.#now;
  }

  advance(minutes: number): void {
    this.#now = new Date(this.#now.getTime() + minutes * 60_000);
  }
}

/** UUIDs that count up, each beginning with `5eed`. */
function countedIds(): { uuid(): string } {
  let count = 0;
  return {
    uuid: () => {
      count += 1;
      return `5eed0000-0000-4000-8000-${String(count).padStart(12, '0')}`;
    },
  };
}

export type DoorPlatform = ReturnType<typeof doorPlatform>;

export function doorPlatform(directory: string, now = '2026-03-01T10:59:59.500Z') {
  const clock = new VirtualClock(now);
  const platform = openPlatform({ dataDir: join(directory, 'data'), access: 'write', clock, ids: countedIds() });
  const { env, paths } = platform;
  return {
    ...platform,
    clock,
    /** Lands a file's content and returns what `ingestBatch` asks for. */
    land: async (dataset: Dataset, content: string | Uint8Array) => {
      const key = landingKey(dataset, 'file');
      await env.objects.put(key, Buffer.from(content as Uint8Array));
      return { dataset, key };
    },
    raw: (dataset: Dataset) => linesBelow<RawLine>(env.objects, `raw/${dataset}/`),
    quarantine: (dataset: Dataset) => linesBelow<QuarantineLine>(env.objects, `quarantine/${dataset}/`),
    keys: (prefix: string) => keysBelow(env.objects, prefix),
    /** The quarantined record as it came. */
    openBody: async ({ bodySealed, origin, sealedOn }: QuarantineLine) => {
      const key = await env.vault.quarantineOpeningKey(sealedOn);
      return open(key!, bodySealed, JSON.stringify(origin));
    },
    /** Puts a tombstone in place of a known person's mapping, as an erasure does. */
    erase: async (id: NaturalId) => {
      const [resolution] = await env.vault.resolve([id]);
      const { subjectId } = (resolution as { subject: { subjectId: string } }).subject;
      const database = new DatabaseSync(join(paths.vault, 'vault.sqlite'));
      database.prepare(`update subjects set state = 'erased', subject_id = null where subject_id = ?`).run(subjectId);
      database.exec('update vault_state set epoch = epoch + 1');
      database.close();
    },
  };
}

async function keysBelow(objects: ObjectStore, prefix: string): Promise<string[]> {
  return (await collect(objects.list(prefix))).map(({ key }) => key);
}

export async function linesBelow<T>(objects: ObjectStore, prefix: string): Promise<T[]> {
  const lines: T[] = [];
  for (const key of await keysBelow(objects, prefix)) {
    const text = gunzipSync((await objects.get(key))!).toString();
    lines.push(
      ...text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as T),
    );
  }
  return lines;
}

/** The environment with runs that publish no answers, which take most of the time of a run over few records. */
export function withoutAnswers(env: Environment): Environment {
  const { sql } = env;
  const list = (folder: string) => (folder === 'queries' ? [] : sql.list(folder));
  return { ...env, sql: { read: (path) => sql.read(path), list } };
}

/** The failure that a test planted. */
export class PlantedFailure extends Error {}

/**
 * The environment with one call of a port failing: the `at`-th, counted from 0 over all ports, `before` it does its work
 * or `after`, as where an answer is lost. `calls` tells how many there were.
 */
export function failingAt(env: Environment, at: number, when: 'before' | 'after') {
  const state = { calls: 0 };
  const isTurn = () => {
    state.calls += 1;
    return state.calls - 1 === at;
  };
  const failing = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        if (name === 'open') return (...args: unknown[]) => failingSource(member.apply(target, args), isTurn());
        return async (...args: unknown[]) => {
          const fails = isTurn();
          if (fails && when === 'before') throw new PlantedFailure();
          const result: unknown = await member.apply(target, args);
          if (fails) throw new PlantedFailure();
          return result;
        };
      },
    });
  const { stream, objects, hot, vault } = env;
  return {
    state,
    env: {
      ...env,
      stream: failing(stream),
      objects: failing(objects),
      hot: failing(hot),
      vault: failing(vault),
    } satisfies Environment,
  };
}

async function* failingSource(source: AsyncIterable<Uint8Array>, fails: boolean): AsyncIterable<Uint8Array> {
  for await (const chunk of source) {
    if (fails) throw new PlantedFailure();
    yield chunk;
  }
}

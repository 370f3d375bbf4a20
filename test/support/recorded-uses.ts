/** An environment that writes down what is asked of its ports, in the words of the pipeline's table of rights. */
import type { Environment } from '../../src/ports.ts';

/** `read plans/`, `write table runs`, `query warehouse`: each once. */
export function recording(env: Environment, uses: Set<string>): Environment {
  const objectUse = (access: string) => (key: unknown) => uses.add(`${access} ${String(key).split('/')[0]}/`);
  const tableRead = (table: unknown) => uses.add(`read table ${table}`);
  const ofObjects = {
    get: objectUse('read'),
    open: objectUse('read'),
    put: objectUse('write'),
    putIfAbsent: objectUse('write'),
    delete: (keys: unknown) => (keys as string[]).forEach(objectUse('delete')),
  };
  const ofHot = {
    get: tableRead,
    query: tableRead,
    write: (writes: unknown) => {
      for (const { table } of writes as { table: string }[]) uses.add(`write table ${table}`);
    },
  };
  const said = (what: string) => () => uses.add(what);
  const vaultUse = () => {
    uses.add('quarantine keys');
    uses.add('write table vault');
  };
  const forbidden = (what: string) => () => {
    throw new Error(`no function of the pipeline uses ${what}`);
  };
  return {
    ...env,
    objects: watched(env.objects, ofObjects),
    hot: watched(env.hot, ofHot),
    vault: watched(env.vault, { quarantineSealingKey: vaultUse, resolve: forbidden('subjects') }),
    warehouse: watched(env.warehouse, { query: said('query warehouse'), advance: said('load warehouse') }),
    catalog: watched(env.catalog, { publish: said('catalog') }),
    alerts: watched(env.alerts, { send: said('alerts') }),
    engine: watched(env.engine, { execute: forbidden('the engine') }),
  };
}

/** The port, each of its named methods preceded by what watches it. */
function watched<Port extends object>(port: Port, watchers: Record<string, (argument: unknown) => unknown>): Port {
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        watchers[String(name)]?.(args[0]);
        return value.apply(target, args);
      };
    },
  });
}

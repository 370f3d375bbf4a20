/** What the suites of hot stores share. */
import {
  type Clock,
  ConditionFailed,
  type HotItem,
  type HotStore,
  type HotValue,
  type HotWrite,
} from '../../src/ports.ts';

export interface MadeHotStore {
  store: HotStore;
  /** Another store over the same data, which reads another clock. */
  beside(clock: Clock): HotStore;
  close(): Promise<void> | void;
}

export function itemOf(partition: string, sort: string, values: Record<string, HotValue>): HotItem {
  return { partition, sort, values };
}

/** The positions that ConditionFailed names, or undefined where everything was written. */
export async function failedWrites(store: HotStore, batch: HotWrite[]): Promise<number[] | undefined> {
  try {
    await store.write(batch);
    return undefined;
  } catch (error) {
    if (error instanceof ConditionFailed) return error.failed;
    throw error;
  }
}

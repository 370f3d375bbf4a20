/** Edge records keep their contracts: the doors let every one of them in. */
import { datasets } from '../../src/contracts/index.ts';
import { setRates } from '../../src/flows/rates.ts';
import { bringInArrival } from './bring-in.ts';
import { doorPlatform } from './door-platform.ts';
import { edgeCustomers, edgeEvents, edgeProducts, edgeSales } from './edge-records.ts';
import type { Arrival } from './history.ts';
import { firstRates } from './later-days.ts';
import { temporaryDirectories } from './local-stores.ts';

const newDirectory = temporaryDirectories();

test('every edge record comes in', async () => {
  const platform = doorPlatform(newDirectory(), '2026-11-01T10:00:00Z');
  await setRates(platform.env)(firstRates);
  const records = {
    customers: edgeCustomers({}),
    products: edgeProducts({}),
    transactions: edgeSales(),
    events: edgeEvents(),
  };
  for (const dataset of datasets) {
    const arrival: Arrival =
      dataset === 'events'
        ? { kind: 'events', afterMinutes: 0, events: records.events }
        : { kind: 'file', afterMinutes: 0, dataset, rows: records[dataset] };
    await bringInArrival(platform, arrival);
    expect([dataset, await platform.quarantine(dataset)]).toEqual([dataset, []]);
    expect([dataset, (await platform.raw(dataset)).length]).toEqual([dataset, records[dataset].length]);
  }
  platform.close();
});

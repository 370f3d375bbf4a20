/** Sales in several currencies, from the door to the warehouse. */
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { setRates } from '../../../src/flows/rates.ts';
import { redrive } from '../../../src/flows/redrive.ts';
import { runPipeline } from '../../../src/local/run-pipeline.ts';
import { type DoorPlatform, doorPlatform, withoutAnswers } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
let platform: DoorPlatform;

beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const header = 'transaction_id,line_no,product_id,quantity,amount,currency,channel,country,payment_method,ordered_at';
const sale = (id: string, amount: string, currency: string, day: string) =>
  `${id},1,p1,1,${amount},${currency},web,DE,card,${day}T10:00:00Z`;

async function upload(...rows: string[]) {
  const ingested = await ingestBatch(platform.env)(
    await platform.land('transactions', [header, ...rows, ''].join('\n')),
  );
  platform.clock.advance(60);
  return ingested;
}
const rates = (...lines: string[]) => setRates(platform.env)(['currency,valid_on,rate', ...lines].join('\n'));
const run = (options = {}) => {
  platform.clock.advance(1);
  return runPipeline(withoutAnswers(platform.env), {}, options);
};
const sales = async () =>
  (
    await platform.env.warehouse.query(
      'select transaction_id, amount, currency from fact_sales order by transaction_id',
    )
  ).rows;

test('A sale without a rate waits in quarantine, and comes in when there is one', async () => {
  await rates('EUR,2026-02-01,1.1');
  expect(await upload(sale('a', '10', 'USD', '2026-01-31'), sale('b', '10', 'EUR', '2026-02-01'))).toMatchObject({
    raw: 2,
  });
  const refused = await upload(sale('c', '10', 'EUR', '2026-01-31'), sale('d', '10', 'GBP', '2026-02-01'));
  expect(refused).toMatchObject({ raw: 0, quarantined: 2 });
  expect(refused.refusals[0]!.rule).toBe(
    'a currency with a rate on the day of the order; there is one for USD, EUR from 2026-02-01 on',
  );
  await run();
  expect(await sales()).toEqual([
    ['a', '10.0000', 'USD'],
    ['b', '11.0000', 'EUR'],
  ]);
  await rates('EUR,2026-01-01,1', 'EUR,2026-02-01,1.1', 'GBP,2026-01-01,1.25');
  expect(await redrive(platform.env)({ rule: 'currency_without_rate' })).toMatchObject({ selected: 2, raw: 2 });
  await run();
  expect(await sales()).toEqual([
    ['a', '10.0000', 'USD'],
    ['b', '11.0000', 'EUR'],
    ['c', '10.0000', 'EUR'],
    ['d', '12.5000', 'GBP'],
  ]);
});

test('A corrected rate holds for all sales from the next run on, whether or not anything else is new', async () => {
  await rates('EUR,2026-01-01,1.1');
  await upload(sale('a', '10', 'EUR', '2026-01-31'));
  await run();
  await rates('EUR,2026-01-01,1.2');
  await upload(sale('b', '10', 'EUR', '2026-02-01'));
  await run();
  expect(await sales()).toEqual([
    ['a', '12.0000', 'EUR'],
    ['b', '12.0000', 'EUR'],
  ]);
  await rates('EUR,2026-01-01,1.3');
  await run();
  expect(await sales()).toEqual([
    ['a', '13.0000', 'EUR'],
    ['b', '13.0000', 'EUR'],
  ]);
  expect(await run()).toMatchObject({ status: 'idle' });
});

test('A rates file that withdraws what sales came in with is refused, and changes nothing', async () => {
  await rates('EUR,2026-01-01,1.1');
  await expect(rates('GBP,2026-01-01,1.25')).rejects.toThrow('this one lacks EUR from 2026-01-01 on');
  expect(await upload(sale('a', '10', 'EUR', '2026-01-31'))).toMatchObject({ raw: 1 });
});

test('Another reporting currency asks for rates into it', async () => {
  await rates('EUR,2026-01-01,1.1');
  await upload(sale('a', '10', 'USD', '2026-01-31'));
  const inEuro = { ...platform.env, settings: { reportingCurrency: 'EUR' } };
  await expect(runPipeline(inEuro)).rejects.toThrow('the rates are into USD and the reporting currency is EUR');
});

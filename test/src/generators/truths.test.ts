/** What the generator plants, found again by formulas that know the records only. */
import { parse } from 'csv-parse/sync';
import type { AnyEvent } from '../../../src/contracts/index.ts';
import { type GeneratedFile, generate, generatorDefaults, plantedTruths } from '../../../src/generators/index.ts';

type Line = Record<string, string>;
type UserEvent = Extract<AnyEvent, { type: 'page_view' }>;
/** Names with a number each, greatest first. */
type Ranking = [name: string, value: number][];

const funnel = ['product_view', 'add_to_cart', 'checkout_start', 'purchase'];

const linesOf = (files: GeneratedFile[], name: GeneratedFile['name']) => [
  ...files.find((file) => file.name === name)!.lines(),
];
const ranked = (values: Iterable<[string, number]>): Ranking => [...values].sort(([, one], [, other]) => other - one);
const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
const monthNumber = (date: string) => Number(date.slice(0, 4)) * 12 + Number(date.slice(5, 7)) - 1;
const monthName = (month: number) => `${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}`;
const cents = (money: string) => Number(money.replace('.', ''));

describe.each([1, 2, 360])('with seed %i', (seed) => {
  const truths = plantedTruths({ seed });
  const files = generate({ seed });
  const lines: Line[] = parse(linesOf(files, 'transactions.csv').join(''), { columns: true });
  const purchases = lines.filter((line) => Number(line.quantity) > 0);
  const visits = linesOf(files, 'events.jsonl')
    .map((line) => JSON.parse(line) as AnyEvent)
    .filter((event): event is UserEvent => 'anonymousId' in event.payload);

  test('the best cohort comes back most in the six months behind its first', () => {
    const [best, second] = retention(lines);
    expect(best![0]).toBe(truths.bestCohort);
    expect(best![1]).toBeGreaterThan(1.25 * second![1]);
  });

  test.each(Object.entries(truths.worstFunnelStep))('in %s most is lost before %s', (channel, step) => {
    const steps = ranked(conversions(visits, channel)).reverse();
    expect(steps[0]![0]).toBe(step);
    expect(steps[1]![1] - steps[0]![1]).toBeGreaterThan(0.15);
  });

  test('the pair bought together has the highest lift', () => {
    const [best, second] = lifts(purchases);
    expect(best![0]).toBe(truths.boughtTogether.join(' '));
    expect(best![1]).toBeGreaterThan(2 * second![1]);
  });

  test("the experiment's winner converts better", () => {
    const [best, second] = conversionByVariant(visits, truths.experiment.name);
    expect(best![0]).toBe(truths.experiment.winner);
    expect(best![1]).toBeGreaterThan(second![1] + 0.05);
  });

  test('a fifth of the customers brings 70 to 80 percent of their revenue', () => {
    const values = [
      ...Map.groupBy(
        lines.filter((line) => line.customer_id),
        (line) => line.customer_id!,
      ).values(),
    ]
      .map((bought) => sum(bought.map((line) => cents(line.amount!))))
      .sort((one, other) => other - one);
    const top = sum(values.slice(0, Math.ceil(values.length / 5))) / sum(values);
    expect(top).toBeGreaterThan(0.7);
    expect(top).toBeLessThan(0.8);
  });
});

/** Mean retention over months 1 to 6, by month of the first order, of cohorts that are large and old enough. */
function retention(lines: Line[]): Ranking {
  const byCustomer = Map.groupBy(
    lines.filter((line) => line.customer_id),
    (line) => line.customer_id!,
  );
  const months = [...byCustomer.values()].map((bought) => [
    ...new Set(bought.map((line) => monthNumber(line.ordered_at!))),
  ]);
  const cohorts = Map.groupBy(months, (ordered) => Math.min(...ordered));
  const last = monthNumber(generatorDefaults.until);
  return ranked(
    [...cohorts]
      .filter(([month, customers]) => customers.length >= 30 && month + 6 <= last)
      .map(([month, customers]) => {
        const returned = customers.flat().filter((ordered) => ordered > month && ordered <= month + 6).length;
        return [monthName(month), returned / customers.length / 6];
      }),
  );
}

/** Conversion into each step from the step before, of the sessions whose first event came through the channel. */
function conversions(events: UserEvent[], channel: string): Ranking {
  const sessions = [...Map.groupBy(events, (event) => event.payload.sessionId!).values()].filter(
    ([first]) => first!.payload.channel === channel,
  );
  const reached = sessions.map((session) => {
    let steps = 0;
    for (const event of session) if (event.type === (funnel[steps] as string)) steps++;
    return steps;
  });
  const atLeast = (steps: number) => reached.filter((count) => count >= steps).length;
  return funnel.map((step, position) => [step, atLeast(position + 1) / atLeast(position)]);
}

/** P(AB) / (P(A) P(B)) of the pairs that stand in at least one order in 200. */
function lifts(purchases: Line[]): Ranking {
  const baskets = [...Map.groupBy(purchases, (line) => line.transaction_id!).values()].map((order) =>
    [...new Set(order.map((line) => line.product_id!))].sort(),
  );
  const single = new Map<string, number>();
  const paired = new Map<string, number>();
  const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const basket of baskets) {
    for (const [position, one] of basket.entries()) {
      count(single, one);
      for (const other of basket.slice(position + 1)) count(paired, `${one} ${other}`);
    }
  }
  const frequent = [...paired].filter(([, orders]) => orders >= baskets.length / 200);
  return ranked(
    frequent.map(([pair, orders]) => {
      const [one, other] = pair.split(' ');
      return [pair, (orders * baskets.length) / (single.get(one!)! * single.get(other!)!)];
    }),
  );
}

/** Share of visitors who buy after the experiment first showed them its variant. */
function conversionByVariant(events: UserEvent[], experiment: string): Ranking {
  const exposed = new Map<string, { variant: string; converted: boolean }>();
  for (const { type, payload } of events) {
    const visitor = String(payload.anonymousId);
    const exposure = exposed.get(visitor);
    if (exposure && type === ('purchase' as string)) exposure.converted = true;
    if (!exposure && payload.experiment === experiment) {
      exposed.set(visitor, { variant: payload.variant!, converted: false });
    }
  }
  const variants = Map.groupBy(exposed.values(), ({ variant }) => variant);
  return ranked(
    [...variants].map(([variant, visitors]) => [
      variant,
      visitors.filter(({ converted }) => converted).length / visitors.length,
    ]),
  );
}

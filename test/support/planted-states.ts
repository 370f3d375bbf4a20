/** For each shipped check, a state of the data that breaks it and nothing else: a record past the doors, or a model with a fault. */
import type { Dataset } from '../../src/contracts/index.ts';
import type { RawLine } from '../../src/domain/privacy/separate.ts';
import { arrived, customer, event, last, product, sale, tenth, twentieth, uuid } from './sound-lines.ts';

export interface PlantedState {
  /** What is planted, for the table that the test prints. */
  what: string;
  /** Raw lines beside the sound ones. */
  lines?: Partial<Record<Dataset, RawLine[]>>;
  /** The sound lines without some. */
  without?: (dataset: Dataset, line: RawLine) => boolean;
  /** A model's text with a fault in it. */
  fault?: { model: string; from: string; to: string };
  /** When the run begins; otherwise right after the last arrival. */
  now?: string;
}

const planted = (dataset: Dataset, what: string, ...lines: RawLine[]): PlantedState => ({
  what,
  lines: { [dataset]: lines },
});
const fault = (model: string, what: string, from: string, to: string, lines?: PlantedState['lines']): PlantedState => ({
  what,
  fault: { model: `models/${model}.sql`, from, to },
  ...(lines && { lines }),
});
const ahead = { updated_at: `${twentieth}T00:00:00.000Z`, ...arrived(tenth) };
const isOf = (dataset: Dataset, day: string) => (other: Dataset, line: RawLine) =>
  other === dataset && String(line.occurred_at ?? line.ordered_at).startsWith(day);
const endOfFact = 'as timestamp) as occurred_at\nfrom final';

/** By table and check. */
export const plantedStates: Record<string, PlantedState> = {
  'clean.events event_is_unique': fault(
    'clean/events',
    'a model that keeps duplicates',
    'where arrival_no = 1',
    'where arrival_no >= 1',
    { events: [event(201, tenth), event(201, tenth, { source_sequence: '202' })] },
  ),
  'clean.events event_is_not_ahead': planted(
    'events',
    'an event dated ten days after its arrival',
    event(201, twentieth, arrived(tenth)),
  ),
  'clean.events event_has_a_visitor': planted(
    'events',
    'a page view of nobody',
    event(201, tenth, { anonymous_subject_id: undefined }),
  ),
  'clean.events visitor_is_a_pseudonym': planted(
    'events',
    'an id that no vault made',
    event(201, tenth, { anonymous_subject_id: 'device-1' }),
  ),
  'clean.events price_is_plausible': planted(
    'events',
    'a price a thousand times too high',
    event(201, tenth, { event_type: 'add_to_cart', product_id: 'p1', price: '49990.0000', currency: 'USD' }),
  ),
  'clean.events session_is_within_a_day': planted(
    'events',
    'a session of thirty years',
    event(201, tenth, { event_type: 'logout', duration_s: 946_080_000 }),
  ),
  'clean.events no_unknown_fields': planted(
    'events',
    'an event with fields of its own',
    event(201, tenth, { unknown_field_count: 3 }),
  ),
  'clean.events events_arrive': { what: 'a run five days after the last event', now: '2026-03-05T23:30:00.000Z' },
  'clean.events no_day_stands_out': { what: 'a day without events', without: isOf('events', twentieth) },
  'clean.events conserved': fault(
    'clean/events',
    'a model that loses an event',
    'where not is_repeated',
    `where not is_repeated and event_id <> '${uuid(102)}'`,
  ),
  'clean.customers version_is_unique': fault(
    'clean/customers',
    'a model that keeps each version it is told',
    'where newest_no = 1',
    'where newest_no >= 1',
    { customers: [customer(802, { city: 'Ulm' })] },
  ),
  'clean.customers subject_is_a_pseudonym': planted(
    'customers',
    "the source's own id",
    customer(803, { subject_id: 'C000000000000000000000000000000017' }),
  ),
  'clean.customers update_is_not_ahead': planted('customers', 'a version dated ahead', customer(803, ahead)),
  'clean.customers signup_is_not_ahead': planted(
    'customers',
    'a registration in a month to come',
    customer(803, { signup_month: '2026-02-01' }),
  ),
  'clean.customers birth_is_not_ahead': planted('customers', 'a birth in 2030', customer(803, { birth_decade: 2030 })),
  'clean.customers no_unknown_fields': planted(
    'customers',
    'a row with columns of its own',
    customer(803, { unknown_field_count: 1 }),
  ),
  'clean.customers conserved': fault(
    'clean/customers',
    'a model that loses a customer',
    'where newest_no = 1',
    `where newest_no = 1 and subject_id <> '${uuid(802)}'`,
  ),
  'clean.products version_is_unique': fault(
    'clean/products',
    'a model that keeps each version it is told',
    'where newest_no = 1',
    'where newest_no >= 1',
    { products: [product('p2', { brand: 'Halden' })] },
  ),
  'clean.products product_has_a_name': planted('products', 'no name', product('p3', { product_name: undefined })),
  'clean.products update_is_not_ahead': planted('products', 'a version dated ahead', product('p3', ahead)),
  'clean.products price_is_plausible': planted(
    'products',
    'a price below zero',
    product('p3', { price: '-1.0000', cost: '-2.0000' }),
  ),
  'clean.products cost_is_below_price': planted(
    'products',
    'a cost above the price',
    product('p3', { cost: '12.0000' }),
  ),
  'clean.products no_unknown_fields': planted(
    'products',
    'a row with columns of its own',
    product('p3', { unknown_field_count: 1 }),
  ),
  'clean.products conserved': fault(
    'clean/products',
    'a model that loses a product',
    'where newest_no = 1',
    "where newest_no = 1 and product_id <> 'p2'",
  ),
  'clean.transactions line_is_unique': fault(
    'clean/transactions',
    'a model that keeps corrected lines',
    'where newest_no = 1',
    'where newest_no >= 1',
    { transactions: [sale('twice', tenth), sale('twice', tenth)] },
  ),
  'clean.transactions order_is_not_ahead': planted(
    'transactions',
    'an order dated ten days after its arrival',
    sale('x', twentieth, arrived(tenth)),
  ),
  'clean.transactions order_is_in_the_calendar': planted(
    'transactions',
    'an order of 1969',
    sale('x', '1969-12-31', arrived(tenth)),
  ),
  'clean.transactions quantity_is_plausible': planted(
    'transactions',
    '900,000 units',
    sale('x', tenth, { quantity: 900_000 }),
  ),
  'clean.transactions unit_price_is_plausible': planted(
    'transactions',
    'a price a thousand times too high',
    sale('x', tenth, { unit_price: '10000.0000', amount: '10000.0000' }),
  ),
  'clean.transactions discount_is_within_price': planted(
    'transactions',
    'a discount of ten times the price',
    sale('x', tenth, { discount: '100.0000', amount: '-90.0000' }),
  ),
  'clean.transactions payment_method_is_known': planted(
    'transactions',
    'a payment by cheque',
    sale('x', tenth, { payment_method: 'cheque' }),
  ),
  'clean.transactions no_unknown_fields': planted(
    'transactions',
    'a row with columns of its own',
    sale('x', tenth, { unknown_field_count: 1 }),
  ),
  'clean.transactions no_day_stands_out': {
    what: 'a day without sales',
    without: isOf('transactions', last.replace('28', '27')),
  },
  'clean.transactions conserved': fault(
    'clean/transactions',
    'a model that loses a line',
    'where newest_no = 1',
    `where newest_no = 1 and transaction_id <> 't-${last}'`,
  ),
  ...Object.fromEntries(
    (['customer', 'product'] as const).flatMap((name) => {
      const id = name === 'customer' ? 'subject_id' : 'product_id';
      const model = `curated/dim_${name}`;
      return [
        [
          'version_key_is_unique',
          fault(model, 'one key for all versions', `md5(${id} || '|' || iso_time(valid_from))`, "md5('one')"),
        ],
        [
          'one_version_is_current',
          fault(model, 'old versions that are current', 'cast(is_current as boolean)', 'cast(true as boolean)'),
        ],
        [
          'version_has_a_span',
          fault(
            model,
            'versions that end as they begin',
            'cast(valid_to as timestamp)',
            'cast(valid_from as timestamp)',
          ),
        ],
      ].map(([check, state]) => [`curated.dim_${name} ${check}`, state as PlantedState]);
    }),
  ),
  'curated.dim_date calendar_is_whole': fault(
    'curated/dim_date',
    'a calendar without its last day',
    "day_no) <= date '2069-12-31'",
    "day_no) <= date '2069-12-30'",
  ),
  'curated.dim_channel channels_are_whole': fault(
    'curated/dim_channel',
    'a channel less',
    "('search', 'Search engine', 'marketing', true),",
    '',
  ),
  'curated.fact_event event_key_is_unique': fault(
    'curated/fact_event',
    'one key for all events',
    "md5(cast(occurred_on as varchar(10)) || '|' || event_id)",
    "md5('one')",
  ),
  'curated.fact_event events_are_whole': fault(
    'curated/fact_event',
    'a model that loses an event',
    endOfFact,
    `${endOfFact} where event_id <> '${uuid(20)}'`,
  ),
  'curated.fact_event order_is_known': planted(
    'events',
    'a purchase of no known order',
    event(201, tenth, { event_type: 'purchase', order_id: 'gone', amount: '1.0000', currency: 'USD' }),
  ),
  'curated.fact_event product_is_known': planted(
    'events',
    'a product view of no known product',
    event(201, tenth, { event_type: 'product_view', product_id: 'gone' }),
  ),
  'curated.fact_sales sale_key_is_unique': fault(
    'curated/fact_sales',
    'one key for all sales',
    "md5(transaction_id || '|' || cast(line_no as varchar(20)))",
    "md5('one')",
  ),
  'curated.fact_sales sales_are_whole': fault(
    'curated/fact_sales',
    'a model that loses a cancelled line',
    'as timestamp) as ordered_at\nfrom final',
    'as timestamp) as ordered_at\nfrom final where quantity <> 0',
  ),
  'curated.fact_sales quantities_are_whole': fault(
    'curated/fact_sales',
    'a model that counts a unit too many',
    'cast(quantity as bigint)',
    'cast(quantity + 1 as bigint)',
  ),
  'curated.fact_sales sale_is_converted': planted(
    'transactions',
    'a currency without a rate',
    sale('x', tenth, { currency: 'EUR' }),
  ),
  'curated.fact_sales product_is_known': planted(
    'transactions',
    'an unknown product',
    sale('x', tenth, { product_id: 'gone' }),
  ),
  'curated.fact_sales customer_is_known': planted(
    'transactions',
    'an unknown customer',
    sale('x', tenth, { subject_id: uuid(899) }),
  ),
  'curated.fact_session session_key_is_unique': fault(
    'curated/fact_session',
    'one key for all sessions',
    'cast(session_key as varchar(32))',
    "cast('one' as varchar(32))",
  ),
  'curated.fact_session session_events_are_whole': fault(
    'curated/fact_session',
    'a model that counts an event too many',
    'cast(event_count as bigint)',
    'cast(event_count + 1 as bigint)',
  ),
  'curated.fact_session funnel_step_is_known': fault(
    'curated/fact_session',
    'a sixth step',
    'cast(funnel_step as bigint)',
    'cast(funnel_step + 5 as bigint)',
  ),
  'curated.fact_session session_ends_after_its_start': fault(
    'curated/fact_session',
    'a session that ends before it begins',
    'seconds_between(started_at, ended_at)',
    'seconds_between(started_at, ended_at) - 1',
  ),
  'curated.daily_metrics_batch metrics_are_whole': fault(
    'curated/daily_metrics_batch',
    'a model that counts an event too many',
    'cast(event_count as bigint)',
    'cast(event_count + 1 as bigint)',
  ),
  'curated.daily_metrics_batch amounts_are_whole': fault(
    'curated/daily_metrics_batch',
    'a model that adds to the sums',
    'cast(amount as decimal(18, 4))',
    'cast(amount + 1 as decimal(18, 4))',
  ),
};

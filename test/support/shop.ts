/**
 * A generated shop as plain records, for answers to be computed without SQL: what the generator wrote, less the lines
 * that it planted to be left out, under the subject ids that the vault gave.
 */
import { parse } from 'csv-parse/sync';
import { type Fault, type GeneratorRequest, generate, plantedFaults } from '../../src/generators/index.ts';
import type { NaturalId, Vault } from '../../src/ports.ts';

export interface Sale {
  transaction: string;
  /** Null for guests. */
  subject: string | null;
  product: string;
  quantity: number;
  /** Ten-thousandths. */
  amount: number;
  country: string;
  isReturn: boolean;
  /** `YYYY-MM-DD` */
  on: string;
  /** RFC 3339, UTC; texts of one length, so that they compare as times do. */
  at: string;
}

/** A transaction with a line that is not a return. */
interface Order {
  transaction: string;
  subject: string | null;
  /** Day of its first line that is not a return. */
  on: string;
}

/** What is known of a thing from a time on. */
interface Version {
  since: string;
}

interface ProductVersion extends Version {
  name: string;
  category: string;
  /** Ten-thousandths. */
  cost: number;
}

interface Home extends Version {
  country: string;
  city: string;
}

export interface ShopEvent {
  id: string;
  type: string;
  /** Null for what no visitor did. */
  visitor: string | null;
  channel: string | null;
  campaign: string | null;
  experiment: string | null;
  variant: string | null;
  orderId: string | null;
  buttonId: string | null;
  formId: string | null;
  on: string;
  at: string;
}

/** What one visitor did on one day without a pause of more than thirty minutes, by time. */
export type Session = [ShopEvent, ...ShopEvent[]];

export interface Shop {
  /** The latest day of a sale or event. */
  asOf: string;
  sales: Sale[];
  orders: Order[];
  /** Oldest first. */
  products: Map<string, ProductVersion[]>;
  /** By subject id, oldest first. */
  homes: Map<string, Home[]>;
  events: ShopEvent[];
  sessions: Session[];
}

/** The faults whose records are either in the clean layer or refused at the door: no gate has to judge them. */
export const faultsWithoutGate: Fault[] = [
  'invalid',
  'duplicate',
  'conflict',
  'late',
  'out_of_order',
  'error_burst',
  'login_burst',
  'large_amount',
  'unknown_type',
  'unknown_version',
  'missing_day',
];

/** The version that holds at a time; what is first known of a thing is taken to have held before. */
export const versionAt = <Of extends Version>(versions: Of[] | undefined, at: string): Of | undefined =>
  versions?.findLast(({ since }) => since <= at) ?? versions?.[0];

/** The shop that the generator makes for the request, its people named as in the vault that has seen them. */
export async function readShop(request: GeneratorRequest, vault: Vault): Promise<Shop> {
  const [customers, products, transactions, events] = keptLines(request) as [string[], string[], string[], string[]];
  const rawEvents = events.map((line) => JSON.parse(line) as RawEvent);
  const rawSales = rowsOf(transactions);
  const subjects = await subjectsOf(vault, rawEvents, [...rowsOf(customers), ...rawSales]);
  const sales = rawSales.map((row) => saleOf(row, subjects));
  const shopEvents = rawEvents.map((event) => eventOf(event, subjects)).sort((a, b) => compare(a.at, b.at));
  return {
    asOf: [...sales, ...shopEvents].reduce((latest, { on }) => (on > latest ? on : latest), ''),
    sales,
    orders: ordersOf(sales),
    products: versionsOf(rowsOf(products), 'product_id', ({ name, category, cost }) => ({
      name: name!,
      category: category!,
      cost: tenThousandths(cost!),
    })),
    homes: versionsOf(
      rowsOf(customers).map((row) => ({ ...row, customer_id: subjects.get(`user ${row.customer_id}`)! })),
      'customer_id',
      ({ country, city }) => ({ country: country!, city: city! }),
    ),
    events: shopEvents,
    sessions: sessionsOf(shopEvents),
  };
}

// ---- The generator's lines ------------------------------------------------------------------------------------------

/** The lines of each file without those that must not reach the clean layer. */
function keptLines(request: GeneratorRequest): string[][] {
  const left = new Set<string>();
  for (const { file, line, expect } of plantedFaults(request)) {
    // A missing day names the line that stands where it should begin.
    if (expect.place !== 'clean' && expect.place !== 'alert' && expect.place !== 'gate') left.add(`${file}:${line}`);
  }
  return generate(request).map(({ name, lines }) =>
    [...lines()].filter((_, index) => !left.has(`${name}:${index + 1}`)),
  );
}

type CsvRow = Record<string, string>;

const rowsOf = (lines: string[]): CsvRow[] => parse(lines.join(''), { columns: true });

interface RawEvent {
  eventId: string;
  type: string;
  timestamp: string;
  payload: Record<string, string | undefined>;
}

/** Subject ids by namespace and natural id. */
async function subjectsOf(vault: Vault, events: RawEvent[], rows: CsvRow[]): Promise<Map<string, string>> {
  const ids = new Map<string, NaturalId>();
  const add = (namespace: NaturalId['namespace'], id: string | undefined) => {
    if (id) ids.set(`${namespace} ${id}`, { namespace, id });
  };
  for (const { payload } of events) {
    add('user', payload.userId);
    add('anonymous', payload.anonymousId);
  }
  for (const row of rows) add('user', row.customer_id);
  const resolutions = await vault.lookUp([...ids.values()]);
  return new Map(
    [...ids.keys()].map((key, index) => {
      const resolution = resolutions[index];
      if (resolution?.state !== 'known') throw new Error('a person of the files is not in the vault');
      return [key, resolution.subject.subjectId];
    }),
  );
}

// ---- Records --------------------------------------------------------------------------------------------------------

/** Decimal text with at most four places as whole ten-thousandths. */
const tenThousandths = (text: string): number => Math.round(Number(text) * 10_000);

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

function saleOf(row: CsvRow, subjects: Map<string, string>): Sale {
  const quantity = Number(row.quantity);
  return {
    transaction: row.transaction_id!,
    subject: row.customer_id ? subjects.get(`user ${row.customer_id}`)! : null,
    product: row.product_id!,
    quantity,
    amount: tenThousandths(row.amount!),
    country: row.country!,
    isReturn: quantity < 0,
    on: row.ordered_at!.slice(0, 10),
    at: row.ordered_at!,
  };
}

function ordersOf(sales: Sale[]): Order[] {
  const bought = sales.filter(({ isReturn }) => !isReturn);
  return [...Map.groupBy(bought, ({ transaction }) => transaction).values()].map((lines) => ({
    transaction: lines[0]!.transaction,
    subject: lines[0]!.subject,
    on: lines.map(({ on }) => on).sort()[0]!,
  }));
}

function versionsOf<Of>(rows: CsvRow[], id: string, read: (row: CsvRow) => Of): Map<string, (Of & Version)[]> {
  const versions = rows.map((row) => ({ id: row[id]!, since: row.updated_at!, ...read(row) }));
  return Map.groupBy(
    versions.sort((a, b) => compare(a.since, b.since)),
    (version) => version.id,
  );
}

/** What a service reports is no visit, even where it names a person. */
const withoutVisitor = ['log', 'metric', 'transaction'];

function eventOf({ eventId, type, timestamp, payload }: RawEvent, subjects: Map<string, string>): ShopEvent {
  const person = payload.userId && subjects.get(`user ${payload.userId}`)!;
  const device = payload.anonymousId && subjects.get(`anonymous ${payload.anonymousId}`)!;
  const { channel, campaign, experiment, variant, orderId, buttonId, formId } = payload;
  return {
    id: eventId,
    type,
    visitor: withoutVisitor.includes(type) ? null : (device ?? person ?? null),
    channel: channel ?? null,
    campaign: campaign ?? null,
    experiment: experiment ?? null,
    variant: variant ?? null,
    orderId: orderId ?? null,
    buttonId: buttonId ?? null,
    formId: formId ?? null,
    on: timestamp.slice(0, 10),
    at: timestamp,
  };
}

const longestPauseMs = 30 * 60_000;

/** By visitor, then by time; the events come by time. */
function sessionsOf(events: ShopEvent[]): Session[] {
  const visits = Map.groupBy(
    events.filter(({ visitor }) => visitor !== null),
    ({ visitor, on }) => `${visitor} ${on}`,
  );
  return [...visits.values()].flatMap((visit) => {
    const sessions: Session[] = [];
    for (const event of visit) {
      const last = sessions.at(-1)?.at(-1);
      if (last && Date.parse(event.at) - Date.parse(last.at) <= longestPauseMs) sessions.at(-1)!.push(event);
      else sessions.push([event]);
    }
    return sessions;
  });
}

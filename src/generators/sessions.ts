/** One visit as events: browsing, searching, logging in, filling the cart, buying. */
import type { AnyEvent } from '../contracts/index.ts';
import type { Day } from './calendar.ts';
import { categories, drawProduct, priceOn, productOf } from './catalogue.ts';
import { type Customer, customerOf } from './customers.ts';
import { money, type OrderLine } from './orders.ts';
import { hashOf, type Random } from './random.ts';
import type { Channel } from './truths.ts';
import type { Visit } from './visits.ts';
import type { World } from './world.ts';

const computers = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0',
];
const phones = [
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
];

const referrers: Partial<Record<Channel, string>> = {
  email: 'https://mail.example/inbox',
  social: 'https://social.example/feed',
  search: 'https://search.example/results?q=shop',
};

/** What any event of a person may carry. */
type UserPayload = Omit<Extract<AnyEvent, { type: 'page_view' }>['payload'], 'title' | 'durationMs'>;

/** An event without its id and time. */
type Action<Event = AnyEvent> = Event extends AnyEvent ? Omit<Event, 'eventId' | 'timestamp'> : never;

const questions = [
  'When will my parcel arrive? I am only at home in the evening.',
  'The lid does not fit. Can I change it for another?',
  'Do you deliver to my office as well? Please call me back.',
];

const currency = 'USD';
const hourMs = 3_600_000;
const secondMs = 1_000;

/** The events of a visit, by time; a purchase of an order happens when the order was placed. */
export function sessionOf(world: World, day: Day, visit: Visit, random: Random): AnyEvent[] {
  const script = new Script(world, visit, random);
  const lines = visit.order?.lines ?? wishes(world, day, random);
  arrive(script);
  if (visit.steps >= 1) viewProducts(script, lines);
  if (visit.steps >= 2) fillCart(script, lines);
  if (visit.steps >= 3) checkOut(script, lines);
  if (visit.steps >= 4) buy(script, lines);
  leave(script);
  return script.events(day);
}

/** What happens in a session, in order, with the time that passes between. */
class Script {
  readonly visit: Visit;
  readonly random: Random;
  /** The visitor, where they are a customer or become one. */
  readonly customer: Customer | undefined;
  loggedIn = false;
  /** Seconds between the session's begin and the login. */
  loggedInAt = 0;
  /** True from the cart on, where the page shows what the experiment tries. */
  inExperiment = false;
  readonly #context: UserPayload;
  readonly #actions: { after: number; action: Action }[] = [];
  readonly #experiment: string;
  /** Milliseconds since the session began. */
  #elapsed = 0;
  #pause: number;

  constructor(world: World, visit: Visit, random: Random) {
    this.visit = visit;
    this.random = random;
    const { anonymousId, customer } = visit.visitor;
    this.customer = customer === undefined ? undefined : customerOf(world, customer);
    this.#experiment = world.truths.experiment.name;
    // Some visitors leave the screen alone for a while, once.
    this.#pause = random.chance(0.15) ? random.between(5 * 60, 20 * 60) * secondMs : 0;
    const hash = hashOf(world.options.seed, anonymousId);
    const devices = visit.channel === 'mobile' ? phones : computers;
    this.#context = {
      anonymousId,
      sessionId: `s-${random.hex()}${random.hex()}`,
      channel: visit.channel,
      campaign: visit.campaign,
      device: devices[hash % devices.length],
      ip: `100.${64 + (hash % 64)}.${(hash >>> 8) % 256}.${(hash >>> 16) % 256}`,
    };
  }

  /** Seconds since the session began. */
  get seconds(): number {
    return Math.floor(this.#elapsed / secondMs);
  }

  /** What every event of the person says about them. */
  who(): UserPayload {
    const experiment = this.inExperiment && this.visit.variant ? this.#experiment : undefined;
    return {
      userId: this.loggedIn ? this.customer?.id : undefined,
      ...this.#context,
      experiment,
      variant: experiment && this.visit.variant,
    };
  }

  add(action: Action, after = this.random.between(4 * secondMs, 120 * secondMs)): void {
    this.#elapsed += after + this.#pause;
    this.#pause = 0;
    this.#actions.push({ after: this.#elapsed, action });
  }

  events(day: Day): AnyEvent[] {
    const purchase = this.#actions.find(({ action }) => action.type === 'purchase');
    const startsAt = this.visit.order && purchase ? this.visit.order.at - purchase.after : this.#beginOn(day);
    return this.#actions.map(({ after, action }) => {
      const timestamp = new Date(startsAt + after).toISOString();
      return { eventId: this.random.uuid(), timestamp, ...action };
    });
  }

  /** From half past six to ten in the evening, so that no session comes near midnight. */
  #beginOn(day: Day): number {
    const { random } = this;
    return day.startsAt + Math.floor(6.5 * hourMs + (15.5 * hourMs * (random.fraction() + random.fraction())) / 2);
  }
}

function wishes({ options, lastDay }: World, day: Day, random: Random): OrderLine[] {
  return Array.from({ length: random.between(1, 3) }, () => {
    const product = productOf(options, lastDay, drawProduct(options, random).index);
    const unitPrice = priceOn(product, day.index);
    return { productId: product.id, quantity: 1, unitPrice, discount: 0, amount: unitPrice };
  });
}

function arrive(script: Script): void {
  const { random, visit } = script;
  const referrer = referrers[visit.channel];
  script.add({ type: 'page_view', payload: { ...script.who(), page: '/', referrer, title: 'Home' } }, 0);
  if (visit.visitor.hasAccount && random.chance(0.55)) logIn(script);
  if (random.chance(0.4)) search(script);
  for (let pages = random.between(0, 2); pages > 0; pages--) {
    const { name } = random.pick(categories);
    const page = `/category/${name.toLowerCase()}?sort=popular`;
    const durationMs = random.between(3 * secondMs, 120 * secondMs);
    script.add({ type: 'page_view', payload: { ...script.who(), page, title: name, durationMs } });
  }
  if (random.chance(0.04)) sendForm(script, 'newsletter', { email: contactOf(script).email });
  if (random.chance(0.02)) sendForm(script, 'contact', { ...contactOf(script), message: random.pick(questions) });
}

function search(script: Script): void {
  const { random } = script;
  const query = random.pick(random.pick(categories).nouns).toLowerCase();
  const payload = { ...script.who(), page: `/search?q=${encodeURIComponent(query)}`, query };
  if (random.chance(0.4)) script.add({ type: 'search', payload });
  else script.add({ type: 'search', version: 2, payload: { ...payload, resultCount: random.between(0, 24) } });
}

function logIn(script: Script): void {
  if (script.loggedIn) return;
  const userId = script.customer?.id;
  const payload = { ...script.who(), userId, page: '/login' };
  if (script.random.chance(0.06)) script.add({ type: 'login', payload: { ...payload, success: false } });
  script.add({ type: 'login', payload: { ...payload, success: true } });
  script.loggedIn = true;
  script.loggedInAt = script.seconds;
}

function viewProducts(script: Script, lines: OrderLine[]): void {
  for (const { productId, unitPrice } of lines) {
    const payload = { ...script.who(), page: `/product/${productId}`, productId, price: money(unitPrice), currency };
    script.add({ type: 'product_view', payload });
  }
  if (script.random.chance(0.12)) clickButton(script, script.random.pick(['size_guide', 'wishlist', 'share']));
}

function fillCart(script: Script, lines: OrderLine[]): void {
  for (const { productId, quantity, unitPrice } of lines) {
    const page = `/product/${productId}`;
    const payload = { ...script.who(), page, productId, quantity, price: money(unitPrice), currency };
    script.add({ type: 'add_to_cart', payload });
  }
  // The cart shows what the experiment tries.
  script.inExperiment = true;
  script.add({ type: 'page_view', payload: { ...script.who(), page: '/cart', title: 'Cart' } });
}

function checkOut(script: Script, lines: OrderLine[]): void {
  clickButton(script, 'checkout');
  if (script.visit.visitor.hasAccount) logIn(script);
  script.add({ type: 'checkout_start', payload: { ...script.who(), page: '/checkout', ...totalOf(lines) } });
}

function buy(script: Script, lines: OrderLine[]): void {
  const { order, visitor } = script.visit;
  sendForm(script, visitor.hasAccount ? 'delivery' : order?.isFirst ? 'signup' : 'guest', contactOf(script));
  if (order?.isFirst) logIn(script);
  const total = totalOf(lines);
  script.add({ type: 'purchase', payload: { ...script.who(), page: '/checkout', orderId: order?.id, ...total } });
  if (order && script.customer) {
    const payload = { userId: script.customer.id, amount: total.amount, currency };
    script.add({ type: 'transaction', payload }, script.random.between(secondMs, 3 * secondMs));
  }
  script.add({ type: 'page_view', payload: { ...script.who(), page: '/thanks', title: 'Thank you' } });
}

function leave(script: Script): void {
  if (!script.loggedIn || !script.random.chance(0.4)) return;
  const after = script.random.between(4, 120);
  const duration = script.seconds + after - script.loggedInAt;
  script.add({ type: 'logout', payload: { ...script.who(), duration } }, after * secondMs);
}

function clickButton(script: Script, buttonId: string): void {
  script.add({ type: 'button_click', payload: { ...script.who(), buttonId } });
}

function sendForm(script: Script, formId: string, fields: Record<string, string>): void {
  script.add({ type: 'form_submit', payload: { ...script.who(), page: `/${formId}`, formId, fields } });
}

function totalOf(lines: OrderLine[]) {
  const cents = lines.reduce((sum, { amount }) => sum + amount, 0);
  const itemCount = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  return { amount: money(cents), currency, itemCount };
}

/** What a person writes into a form; strangers have an address of their own. */
function contactOf({ customer, random }: Script): { name: string; email: string } {
  if (customer) return { name: customer.fullName, email: customer.email };
  return { name: 'A. Guest', email: `guest.${random.hex()}@example.net` };
}

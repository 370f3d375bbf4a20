/** The faults of events.jsonl. */
import type { AnyEvent } from '../contracts/index.ts';
import { brokenEvents, type PlainEvent } from './broken-events.ts';
import { dayMs } from './calendar.ts';
import { type Canary, canariesOf, hidingPlaces } from './canaries.ts';
import { productIdOf } from './catalogue.ts';
import { customerOf } from './customers.ts';
import { clean, type Expectation, refused } from './faults.ts';
import { money } from './orders.ts';
import { type FaultTable, farAheadMs, oversize, type Planting, type Spot } from './planting.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

type EventSpot = Spot<AnyEvent>;

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const currency = 'USD';

const errorsEach = 25;
const loginsEach = 6;

export function eventFaults(world: World): FaultTable<AnyEvent> {
  const people = canariesOf(world.options);
  const hidden = people.length * hidingPlaces.length;
  return {
    invalid: { plant: invalid, least: brokenEvents.length },
    duplicate: { plant: duplicate },
    conflict: { plant: conflict },
    late: { plant: late },
    out_of_order: { plant: outOfOrder },
    error_burst: { plant: errorBurst, linesEach: errorsEach },
    login_burst: { plant: (spot) => loginBurst(spot, anyCustomer(world, spot.random)), linesEach: loginsEach },
    large_amount: { plant: (spot) => largeAmount(spot, anyCustomer(world, spot.random)) },
    personal_data: { plant: (spot) => hide(spot, people), least: hidden, most: hidden },
    unknown_type: { plant: (spot) => [changed(spot, { type: 'video_play' }, refused('unknown_type'))] },
    unknown_version: { plant: (spot) => [changed(spot, { version: 999 }, refused('unknown_version'))] },
    oversized: { plant: oversized, most: 5 },
    orphan_reference: { plant: orphanReference },
    out_of_range: { plant: outOfRange },
  };
}

/** An event of a stranger, or with this payload, that happens at a time. */
function eventAt(random: Random, at: number, type = 'page_view', payload: object = strangerOf(random)): PlainEvent {
  return { eventId: random.uuid(), type, timestamp: new Date(at).toISOString(), payload };
}

const strangerOf = (random: Random) => ({
  anonymousId: `d-${random.hex()}${random.hex()}`,
  sessionId: `s-${random.hex()}${random.hex()}`,
  channel: 'web',
  page: '/',
});

const anyCustomer = (world: World, random: Random): string =>
  customerOf(world, random.between(0, world.options.customers - 1)).id;

const planted = (event: PlainEvent, expect: Expectation): Planting => ({
  text: JSON.stringify(event),
  id: event.eventId,
  expect,
});

const changed = ({ random, at }: EventSpot, change: Partial<PlainEvent>, expect: Expectation): Planting =>
  planted({ ...eventAt(random, at), ...change }, expect);

function invalid({ random, at, number }: EventSpot): Planting[] {
  const { expect, hasId, textOf } = brokenEvents[number % brokenEvents.length]!;
  const event = eventAt(random, at);
  return [{ text: textOf(event), expect, ...(hasId && { id: event.eventId }) }];
}

/** Within the quarter of an hour in which the stream's counters know a producer's duplicate. */
function duplicate({ item, text, at, random }: EventSpot): Planting[] {
  return [{ text, at: at + random.between(1, 10) * minuteMs, id: item.eventId, expect: { place: 'duplicate' } }];
}

/** An odd millisecond becomes the even one before it, an even one the odd one behind it: the day stays the same. */
function conflict({ item, at }: EventSpot): Planting[] {
  const timestamp = new Date(at + (at % 2 === 0 ? 1 : -1)).toISOString();
  return [
    {
      text: JSON.stringify({ ...item, timestamp }),
      at: at + minuteMs,
      id: item.eventId,
      expect: { place: 'superseded' },
    },
  ];
}

const late = ({ random, at }: EventSpot): Planting[] => [
  planted(eventAt(random, at - random.between(2 * dayMs, 5 * dayMs)), clean),
];

const outOfOrder = ({ random, at }: EventSpot): Planting[] => [
  planted(eventAt(random, at - random.between(secondMs, minuteMs)), clean),
];

function errorBurst({ random, at, number }: EventSpot): Planting[] {
  const payload = { service: 'payments', level: 'ERROR', message: 'payment provider timed out' };
  return burst(errorsEach, 2 * secondMs, at, (time) => ({
    ...planted(eventAt(random, time, 'log', payload), { place: 'alert', rule: 'error_burst' }),
    group: number,
  }));
}

function loginBurst({ random, at, number }: EventSpot, userId: string): Planting[] {
  const payload = { userId, ...strangerOf(random), page: '/login', success: false };
  return burst(loginsEach, 30 * secondMs, at, (time) => ({
    ...planted(eventAt(random, time, 'login', payload), { place: 'alert', rule: 'failed_logins' }),
    group: number,
  }));
}

/** `count` lines, each `step` milliseconds behind the one before and where its time puts it. */
function burst(count: number, step: number, from: number, plant: (time: number) => Planting): Planting[] {
  return Array.from({ length: count }, (_, position) => from + position * step).map((time) => ({
    ...plant(time),
    at: time,
  }));
}

/** From 10,000.01 on. */
function largeAmount({ random, at }: EventSpot, userId: string): Planting[] {
  const payload = { userId, amount: money(random.between(1_000_001, 5_000_000)), currency };
  return [planted(eventAt(random, at, 'transaction', payload), { place: 'alert', rule: 'large_amount' })];
}

function hide({ random, at, number }: EventSpot, people: Canary[]): Planting[] {
  const canary = people[number % people.length]!;
  const { expect, hasId, textOf } = hidingPlaces[Math.floor(number / people.length)]!;
  const { eventId, timestamp } = eventAt(random, at);
  return [
    { text: textOf(canary, { eventId, timestamp }), group: canary.number, expect, ...(hasId && { id: eventId }) },
  ];
}

function oversized({ random, at }: EventSpot): Planting[] {
  const event = eventAt(random, at);
  const payload = { ...event.payload, blob: 'x'.repeat(oversize) };
  return [planted({ ...event, payload }, { place: 'refused_by_stream' })];
}

function orphanReference({ random, at, number }: EventSpot): Planting[] {
  const payload = { ...strangerOf(random), orderId: `gone-${number + 1}`, amount: '19.99', currency };
  return [planted(eventAt(random, at, 'purchase', payload), { place: 'gate', check: 'referential' })];
}

/** Dated far ahead, a price a thousand times too high, a session of thirty years: in turn. */
function outOfRange({ random, at, number }: EventSpot): Planting[] {
  const who = strangerOf(random);
  const events = [
    () => eventAt(random, at + farAheadMs),
    () => eventAt(random, at, 'add_to_cart', { ...who, productId: productIdOf(0), price: '49990.00', currency }),
    () => eventAt(random, at, 'logout', { ...who, duration: 946_080_000 }),
  ];
  return [planted(events[number % events.length]!(), { place: 'gate', check: 'range' })];
}

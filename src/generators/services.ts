/** What the shop's services write on a day: log lines and metrics. */
import type { AnyEvent } from '../contracts/index.ts';
import { type Day, dayMs } from './calendar.ts';
import { customerOf } from './customers.ts';
import { Random, type Shares } from './random.ts';
import type { World } from './world.ts';

interface Service {
  name: string;
  /** Typical latency, milliseconds, and CPU use, percent. */
  latency: number;
  cpu: number;
}

const services: readonly Service[] = [
  { name: 'storefront', latency: 45, cpu: 35 },
  { name: 'search', latency: 120, cpu: 55 },
  { name: 'checkout', latency: 160, cpu: 40 },
  { name: 'payments', latency: 230, cpu: 25 },
  { name: 'mailer', latency: 80, cpu: 15 },
];

type Level = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
const levels: Shares<Level> = [
  ['DEBUG', 0.05],
  ['INFO', 0.83],
  ['WARN', 0.08],
  ['ERROR', 0.04],
];

type Person = { id: string; email: string; phone: string };
const messages: Record<Level, readonly ((person: Person) => string)[]> = {
  DEBUG: [() => 'cache miss for category page', () => 'connection pool resized'],
  INFO: [
    () => 'request served',
    () => 'price list reloaded',
    () => 'health check passed',
    ({ email }) => `password reset mail sent to ${email}`,
    ({ phone }) => `delivery text sent to ${phone}`,
  ],
  WARN: [() => 'slow query on product index', () => 'retrying payment provider', () => 'queue is growing'],
  ERROR: [
    () => 'payment provider timed out',
    () => 'stock service unavailable',
    ({ email }) => `mail to ${email} bounced`,
  ],
};

/** `count` log lines and metrics, at any time of the day, unsorted. */
export function serviceEventsOf(world: World, day: Day, count: number): AnyEvent[] {
  const random = new Random(world.options.seed, 'services', day.index);
  return Array.from({ length: count }, () => {
    const service = random.pick(services);
    const at = new Date(day.startsAt + random.between(0, dayMs - 1));
    const envelope = { eventId: random.uuid(), timestamp: at.toISOString() };
    return random.chance(0.5)
      ? { ...envelope, type: 'log', payload: logLine(world, day, service, random) }
      : { ...envelope, type: 'metric', payload: metric(service, random) };
  });
}

function logLine(world: World, day: Day, service: Service, random: Random) {
  const level = random.weighted(levels);
  const person = customerOf(world, random.between(0, Math.max(day.newcomers.to - 1, 0)));
  const message = random.pick(messages[level])(person);
  return { service: service.name, level, message, userId: random.chance(0.1) ? person.id : undefined };
}

/** Mostly near the typical value; one in fifty shows a service under strain. */
function metric(service: Service, random: Random) {
  const strain = random.chance(0.02) ? 2.5 : 1;
  const around = (typical: number) => typical * strain * (0.7 + 0.6 * random.fraction());
  const tenths = (value: number) => Math.round(value * 10) / 10;
  return {
    service: service.name,
    cpu: tenths(Math.min(around(service.cpu), 99)),
    latency_ms: tenths(around(service.latency)),
  };
}

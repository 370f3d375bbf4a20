/** The events of one day: what visitors do in their sessions, and what the services write. */
import type { AnyEvent } from '../contracts/index.ts';
import type { Day } from './calendar.ts';
import { Random } from './random.ts';
import { serviceEventsOf } from './services.ts';
import { sessionOf } from './sessions.ts';
import { visitsOf } from './visits.ts';
import type { World } from './world.ts';

/** The services write the rest, which evens out that sessions differ in length. */
const sessionShare = 0.86;

/** All events of a day by time, `day.events` of them. */
export function eventsOf(world: World, day: Day): AnyEvent[] {
  const random = new Random(world.options.seed, 'sessions', day.index);
  const events: AnyEvent[] = [];
  for (const visit of visitsOf(world, day)) {
    if (events.length >= day.events * sessionShare) break;
    events.push(...sessionOf(world, day, visit, random));
  }
  events.length = Math.min(events.length, day.events);
  return events
    .concat(serviceEventsOf(world, day, day.events - events.length))
    .sort((one, other) => compare(one.timestamp, other.timestamp));
}

const compare = (one: string, other: string): number => (one < other ? -1 : Number(one > other));

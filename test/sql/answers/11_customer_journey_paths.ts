import { daysBetween, groupBy, ratio, sorted, sumOf } from '../../support/arithmetic.ts';
import type { Session, Shop } from '../../support/shop.ts';

export const branches = { path: ['web', 'web > web'], mean_days_to_purchase: [null, '0.0000'] };

const hasPurchase = (session: Session) => session.some(({ type }) => type === 'purchase');

/** A visitor's sessions, cut behind each purchase and where more than thirty days lie between two. */
function journeysOf(sessions: Session[]): Session[][] {
  const journeys: Session[][] = [];
  for (const session of sorted(sessions, ([first]) => [first.at])) {
    const last = journeys.at(-1)?.at(-1);
    const goesOn = last && !hasPurchase(last) && daysBetween(last[0].on, session[0].on) <= 30;
    if (goesOn) journeys.at(-1)!.push(session);
    else journeys.push([session]);
  }
  return journeys;
}

function pathOf(journey: Session[]): string {
  const channels = journey.map((session) => session.find(({ channel }) => channel)?.channel ?? 'unknown');
  return [...channels.slice(0, 4), ...(channels.length > 4 ? ['...'] : [])].join(' > ');
}

export function answer({ sessions }: Shop) {
  const visitors = groupBy(sessions, ([first]) => first.visitor!);
  const journeys = [...visitors.values()].flatMap(journeysOf);
  const converted = (some: Session[][]) => some.filter((journey) => hasPurchase(journey.at(-1)!));
  const paths = [...groupBy(journeys, pathOf)];
  return sorted(paths, ([path, same]) => [-same.length, path]).map(([path, same]) => ({
    path,
    journeys: same.length,
    journey_rate: ratio(same.length, journeys.length),
    converted_journeys: converted(same).length,
    conversion_rate: ratio(converted(same).length, same.length),
    converted_rate: ratio(converted(same).length, converted(journeys).length),
    mean_days_to_purchase: ratio(
      sumOf(converted(same), (journey) => daysBetween(journey[0]![0].on, journey.at(-1)![0].on)),
      converted(same).length,
    ),
  }));
}

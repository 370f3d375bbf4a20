import { groupBy, ratio, sorted } from '../../support/arithmetic.ts';
import type { Session, Shop } from '../../support/shop.ts';

const steps = ['visit', 'product_view', 'add_to_cart', 'checkout_start', 'purchase'];

export const branches = { step: steps, is_worst_step: [true, false] };

/** How many steps a session takes in order; a step counts from the first time on that the one before was reached. */
function stepsTaken(session: Session): number {
  let since = session[0].at;
  let taken = 1;
  for (const step of steps.slice(1)) {
    const reached = session.find(({ type, at }) => type === step && at >= since);
    if (!reached) break;
    since = reached.at;
    taken += 1;
  }
  return taken;
}

export function answer({ sessions }: Shop) {
  const channels = groupBy(sessions, (session) => session.find(({ channel }) => channel)?.channel ?? 'unknown');
  return sorted([...channels], ([channel]) => [channel]).flatMap(([channel, visits]) => {
    const taken = visits.map(stepsTaken);
    const reached = steps.map((_, index) => taken.filter((count) => count > index).length);
    const rates = reached.map((count, index) => (index > 0 ? ratio(count, reached[index - 1]!) : null));
    const worst = sorted(
      steps.filter((_, index) => rates[index] !== null),
      (step) => [Number(rates[steps.indexOf(step)])],
    )[0];
    return steps.map((step, index) => ({
      channel,
      step_no: index + 1,
      step,
      sessions: reached[index]!,
      step_conversion_rate: rates[index]!,
      overall_conversion_rate: ratio(reached[index]!, visits.length),
      is_worst_step: step === worst,
    }));
  });
}

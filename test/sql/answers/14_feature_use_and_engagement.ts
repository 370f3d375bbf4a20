import {
  addDays,
  addMonths,
  distinct,
  groupBy,
  monthOf,
  monthsBetween,
  ratio,
  sorted,
} from '../../support/arithmetic.ts';
import type { Shop, ShopEvent } from '../../support/shop.ts';

export const branches = { feature: ['any', 'search', 'button checkout', 'form delivery'] };

function featureOf({ type, buttonId, formId }: ShopEvent): string {
  if (type === 'button_click' && buttonId) return `button ${buttonId}`;
  return type === 'form_submit' && formId ? `form ${formId}` : type;
}

const users = (events: ShopEvent[]) => distinct(events, ({ visitor }) => visitor);
const userDays = (events: ShopEvent[]) => distinct(events, ({ visitor, on }) => `${visitor} ${on}`);

export function answer({ asOf, events }: Shop) {
  const visits = events.filter(({ visitor }) => visitor);
  const first = monthOf(visits[0]!.on);
  const ends = Array.from({ length: monthsBetween(first, asOf) + 1 }, (_, index) => {
    const end = addDays(addMonths(first, index + 1), -1);
    return end < asOf ? end : asOf;
  });
  return ends.toReversed().flatMap((end) => {
    const recent = visits.filter(({ on }) => on > addDays(end, -28) && on <= end);
    if (recent.length === 0) return [];
    const features = sorted([...groupBy(recent, featureOf)], ([feature, uses]) => [-users(uses), feature]);
    return [['any', recent] as const, ...features].map(([feature, uses]) => ({
      measured_on: end,
      feature,
      daily_active_users: ratio(userDays(uses), 28),
      weekly_active_users: users(uses.filter(({ on }) => on > addDays(end, -7))),
      monthly_active_users: users(uses),
      stickiness_rate: ratio(userDays(uses), 28 * users(uses)),
      adoption_rate: ratio(users(uses), users(recent)),
      uses: uses.length,
    }));
  });
}

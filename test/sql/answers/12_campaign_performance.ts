import { decimal, distinct, groupBy, ratio, sorted, sumOf } from '../../support/arithmetic.ts';
import type { Session, Shop } from '../../support/shop.ts';

export const branches = { campaign: [null, 'loyalty_offer'], lift_rate: [null] };

const firstOf = (session: Session, field: 'channel' | 'campaign') =>
  session.find((event) => event[field])?.[field] ?? null;

export function answer({ sales, events, sessions }: Shop) {
  const transactions = groupBy(sales, ({ transaction }) => transaction);
  const purchases = events.filter(({ type, orderId }) => type === 'purchase' && orderId);
  const earliest = new Set([...groupBy(purchases, ({ orderId }) => orderId!).values()].map(([first]) => first!.id));
  const visits = sessions.map((session) => ({
    channel: firstOf(session, 'channel') ?? 'unknown',
    campaign: firstOf(session, 'campaign'),
    visitor: session[0].visitor,
    hasPurchase: session.some(({ type }) => type === 'purchase'),
    revenues: session
      .filter(({ id, orderId }) => earliest.has(id) && transactions.has(orderId!))
      .map(({ orderId }) => sumOf(transactions.get(orderId!)!, ({ amount }) => amount)),
  }));
  const rows = [...groupBy(visits, ({ channel, campaign }) => `${channel} ${campaign}`).values()].map((same) => {
    const { channel, campaign } = same[0]!;
    const bought = same.filter(({ hasPurchase }) => hasPurchase).length;
    const plain = visits.filter((visit) => visit.channel === channel && visit.campaign === null);
    const plainBought = plain.filter(({ hasPurchase }) => hasPurchase).length;
    const revenues = same.flatMap((visit) => visit.revenues);
    const revenue = sumOf(revenues, (amount) => amount);
    return {
      channel,
      campaign,
      sessions: same.length,
      visitors: distinct(same, ({ visitor }) => visitor),
      purchase_sessions: bought,
      conversion_rate: ratio(bought, same.length),
      lift_rate:
        campaign === null ? null : ratio(bought * plain.length - plainBought * same.length, plainBought * same.length),
      orders: revenues.length,
      revenue: decimal(revenue),
      average_order_value: ratio(revenue, 10_000 * revenues.length),
      revenue_per_session: ratio(revenue, 10_000 * same.length),
    };
  });
  return sorted(rows, ({ channel, campaign }) => [channel, campaign ?? '']);
}

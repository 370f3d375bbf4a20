import { addDays, decimal, distinct, groupBy, ratio, sorted, sumOf } from '../../support/arithmetic.ts';
import { type Sale, type Shop, versionAt } from '../../support/shop.ts';

export const branches = { city: ['unknown', 'New York'] };

const revenueOf = (lines: Sale[]) => sumOf(lines, ({ amount }) => amount);

export function answer({ asOf, sales, homes }: Shop) {
  const cityOf = ({ subject, country, at }: Sale) => {
    const home = subject === null ? undefined : versionAt(homes.get(subject), at);
    return home?.country === country ? home.city : 'unknown';
  };
  const between = (lines: Sale[], after: string, to: string) =>
    revenueOf(lines.filter(({ on }) => on > after && on <= to));
  const countries = [...groupBy(sales, ({ country }) => country)].map(([country, lines]) => ({
    country,
    revenue: revenueOf(lines),
    cities: [...groupBy(lines, cityOf)].map(([city, here]) => ({ city, here, revenue: revenueOf(here) })),
  }));
  return sorted(countries, ({ country, revenue }) => [-revenue, country]).flatMap((whole) =>
    sorted(whole.cities, ({ city, revenue }) => [-revenue, city]).map(({ city, here, revenue }) => {
      const bought = here.filter(({ isReturn }) => !isReturn);
      const recent = between(here, addDays(asOf, -90), asOf);
      const before = between(here, addDays(asOf, -180), addDays(asOf, -90));
      return {
        country: whole.country,
        city,
        orders: distinct(bought, ({ transaction }) => transaction),
        customers: distinct(
          bought.filter(({ subject }) => subject),
          ({ subject }) => subject,
        ),
        units: sumOf(here, ({ quantity }) => quantity),
        revenue: decimal(revenue),
        revenue_rate: ratio(revenue, revenueOf(sales)),
        growth_rate: before > 0 ? ratio(recent - before, before) : null,
        country_revenue: decimal(whole.revenue),
      };
    }),
  );
}

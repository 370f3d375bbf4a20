/**
 * Canary persons: people whose every datum is unlike anybody else's, so that a search for it finds each place that it has
 * reached; and the places where their data are hidden.
 */
import { clean, type Expectation, refused } from './faults.ts';
import { completeOptions, type GeneratorOptions, type GeneratorRequest } from './options.ts';
import { Random } from './random.ts';

export interface Canary {
  /** From 0; the manifest names a canary by it. */
  number: number;
  /** Twelve lower-case letters that stand in their ids, e-mail, name and address, and nowhere else. */
  word: string;
  /** Customer and user id. */
  naturalId: string;
  anonymousId: string;
  email: string;
  fullName: string;
  phone: string;
  address: string;
  /** `YYYY-MM-DD`, when nobody else signed up, and never the first of a month, which privacy rules leave as it is. */
  signupDate: string;
  /** IPv4 of even numbers, IPv6 of odd ones. */
  ip: string;
}

const mostCanaries = 200;

/** The canary persons that the request plants: 200, or as many as there are customers where these are fewer. */
export function canaries(request: GeneratorRequest = {}): Canary[] {
  const options = completeOptions(request);
  return options.faults.includes('personal_data') ? canariesOf(options) : [];
}

export function canariesOf({ seed, customers }: GeneratorOptions): Canary[] {
  return Array.from({ length: Math.min(mostCanaries, customers) }, (_, number) => canaryOf(seed, number));
}

function canaryOf(seed: number, number: number): Canary {
  const word = wordOf(new Random(seed, 'canary', number));
  const name = `${word[0]!.toUpperCase()}${word.slice(1)}`;
  return {
    number,
    word,
    naturalId: `canary-${word}-${number}`,
    anonymousId: `device-${word}-${number}`,
    email: `${word}.${number}@canary.example.org`,
    fullName: `${name} Canary`,
    phone: `+990 4711 ${100_000 + number}`,
    address: `${100 + number} ${name} Street`,
    signupDate: new Date(Date.UTC(1903, number / 26, 2 + (number % 26))).toISOString().slice(0, 10),
    ip: number % 2 === 0 ? `198.18.${number}.${255 - number}` : `2001:db8:c360:${number.toString(16)}::${word.length}`,
  };
}

const syllables = ['ba', 'do', 'fi', 'gu', 'ka', 'lo', 'me', 'nu', 'pe', 'ra', 'so', 'ti', 'vu', 'xi', 'ze'];

const wordOf = (random: Random): string => Array.from({ length: 6 }, () => random.pick(syllables)).join('');

/** What every event has, whatever it says. */
interface EventHead {
  eventId: string;
  timestamp: string;
}

interface HidingPlace {
  expect: Expectation;
  /** False where nobody can read an event id from it. */
  hasId: boolean;
  textOf(canary: Canary, head: EventHead): string;
}

/** An event whose payload holds a person's data. */
function inPayload(type: string, payloadOf: (canary: Canary) => object, expect = clean): HidingPlace {
  return {
    expect,
    hasId: true,
    textOf: (canary, head) => JSON.stringify({ ...head, type, payload: payloadOf(canary) }),
  };
}

const allOf = ({ naturalId, email, fullName, phone, address, ip }: Canary) => ({
  naturalId,
  email,
  fullName,
  phone,
  address,
  ip,
});

const queryOf = (canary: Canary): string => new URLSearchParams(allOf(canary)).toString();

/** Where fields are known, they hold what their privacy rule promises to take away: no rule finds a name in a sentence. */
export const hidingPlaces: readonly HidingPlace[] = [
  inPayload('login', ({ naturalId, anonymousId, email, ip }) => ({
    userId: naturalId,
    anonymousId,
    ip,
    device: `Mozilla/5.0 (X11; Linux x86_64) ${email}`,
    campaign: `for ${email}`,
  })),
  inPayload('transaction', ({ email }) => ({ userId: email, amount: '19.99', currency: 'USD' })),
  // Fields, maps and key names that no contract knows.
  inPayload('page_view', (canary) => ({ anonymousId: canary.anonymousId, page: '/', ...allOf(canary) })),
  inPayload('logout', (canary) => ({ userId: canary.naturalId, profile: { ...allOf(canary), more: [canary] } })),
  inPayload('button_click', ({ anonymousId, email, phone, address, fullName }) => ({
    anonymousId,
    buttonId: 'share',
    [email]: 1,
    [fullName]: { [phone]: { [address]: true } },
  })),
  {
    expect: clean,
    hasId: true,
    textOf: (canary, head) =>
      JSON.stringify({
        ...head,
        ...allOf(canary),
        type: 'metric',
        payload: { service: 'storefront', cpu: 35, host: canary.naturalId },
      }),
  },
  // Text about things.
  inPayload('log', ({ naturalId, email, phone, address, ip }) => ({
    service: 'mailer',
    level: 'INFO',
    message: `mail to ${email} bounced; call ${phone} or write to ${address}; last seen at ${ip}`,
    userId: naturalId,
  })),
  inPayload('page_view', (canary) => ({
    anonymousId: canary.anonymousId,
    page: `/account?${queryOf(canary)}`,
    referrer: `https://${canary.email}@shop.example/account#${queryOf(canary)}`,
    title: `Welcome back, ${canary.email}`,
  })),
  inPayload('search', ({ anonymousId, email, phone, address }) => ({
    anonymousId,
    query: `order of ${email} ${phone} to ${address}`,
  })),
  // Free text, sealed.
  inPayload('form_submit', (canary) => ({
    userId: canary.naturalId,
    formId: 'contact',
    fields: { ...allOf(canary), [canary.email]: `I am ${canary.fullName}, call me` },
  })),
  // Records that are refused.
  inPayload(
    'add_to_cart',
    (canary) => ({ ...allOf(canary), productId: canary.email, channel: canary.fullName }),
    refused('schema_violation', 'events/add_to_cart/1'),
  ),
  inPayload('person_met', allOf, refused('unknown_type')),
  {
    expect: refused('schema_violation', 'envelope'),
    hasId: true,
    textOf: (canary, head) => JSON.stringify({ ...head, type: canary.email, payload: allOf(canary) }),
  },
  {
    expect: refused('not_json'),
    hasId: false,
    textOf: (canary) =>
      `{"type":"login","payload":{"userId":"${canary.naturalId}","note":${Object.values(allOf(canary))}`,
  },
];

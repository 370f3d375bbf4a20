import type { Canary } from '../../src/generators/index.ts';

/** What would give canary persons away: the word in their ids, e-mail, name and address, and what has no word in it. */
export const secretsOf = (people: Canary[]): string[] =>
  people.flatMap(({ word, phone, ip, signupDate }) => [word, phone, ip, signupDate]);

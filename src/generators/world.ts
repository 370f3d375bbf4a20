/** What all generated files share: options, planted truths, the plan of days, and pools of names. */
import { faker } from '@faker-js/faker/locale/en';
import { type Calendar, calendarOf } from './calendar.ts';
import { completeOptions, type GeneratorOptions, type GeneratorRequest } from './options.ts';
import { type PlantedTruths, plantedTruths } from './truths.ts';

export interface World {
  options: GeneratorOptions;
  truths: PlantedTruths;
  calendar: Calendar;
  /** Index of the last day. */
  lastDay: number;
  pools: Pools;
}

/** Words that people's data is made of. */
interface Pools {
  firstNames: string[];
  lastNames: string[];
  streets: string[];
}

export function worldOf(request: GeneratorRequest): World {
  const options = completeOptions(request);
  const truths = plantedTruths(options);
  const calendar = calendarOf(options, truths.bestCohort);
  return { options, truths, calendar, lastDay: calendar.days.length - 1, pools: poolsOf(options.seed) };
}

/** Faker is too slow to be asked for each customer, so it fills the pools once. */
function poolsOf(seed: number): Pools {
  faker.seed(seed);
  return {
    firstNames: faker.helpers.uniqueArray(() => faker.person.firstName(), 400),
    lastNames: faker.helpers.uniqueArray(() => faker.person.lastName(), 400),
    streets: faker.helpers.uniqueArray(() => faker.location.street(), 400),
  };
}

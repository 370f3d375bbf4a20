/** Seeded synthetic data: a shop's customers, products, transactions and events. */
export { type GeneratedFile, generate } from './files.ts';
export { GeneratorOptionError, type GeneratorRequest, generatorDefaults, generatorSizes } from './options.ts';
export { plantedTruths } from './truths.ts';

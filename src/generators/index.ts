/** Seeded synthetic data: a shop's customers, products, transactions and events. */
export { type GeneratedFile, generate } from './files.ts';
export {
  GeneratorOptionError,
  type GeneratorOptions,
  type GeneratorRequest,
  type GeneratorSize,
  generatorDefaults,
  generatorSizes,
} from './options.ts';
export { type PlantedTruths, plantedTruths } from './truths.ts';

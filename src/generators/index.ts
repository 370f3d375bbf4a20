/** Seeded synthetic data: a shop's customers, products, transactions and events. */
export { type Canary, canaries } from './canaries.ts';
export { type Fault, faultNames, type PlantedFault } from './faults.ts';
export { type GeneratedFile, generate, plantedFaults } from './files.ts';
export { GeneratorOptionError, type GeneratorRequest, generatorDefaults, generatorSizes } from './options.ts';
export { plantedTruths } from './truths.ts';

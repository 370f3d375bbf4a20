/** The contracts of all inputs: validators, columns and privacy plan, all derived from `schemas/`. */
import { columns, contracts, envelope } from './generated/contracts.ts';
import { validators } from './generated/validators.js';
import type { Column, Contract, Dataset, Leaf } from './model.ts';

export type { AnyEvent, CustomersRowV1, TransactionsRowV1 } from './generated/types.ts';
export type { Column, ColumnType, Contract, Dataset, Leaf, Namespace } from './model.ts';

export const datasets: Dataset[] = ['events', 'customers', 'products', 'transactions'];
export const fileDatasets: Dataset[] = ['customers', 'products', 'transactions'];

const byId = new Map(contracts.map((contract) => [contract.id, contract]));
const eventTypes = new Set(
  contracts.filter((contract) => contract.dataset === 'events').map((contract) => contract.name),
);

/** The contract with this id (`events/login/1`, `customers/1`), or undefined. */
export const contractOf = (id: string): Contract | undefined => byId.get(id);

/** True for a type that at least one version of a contract describes. */
export const isEventType = (name: string): boolean => eventTypes.has(name);

export const envelopeLeaves: Leaf[] = envelope;

/** The columns of a dataset's raw lines, in order. */
export const rawColumnsOf = (dataset: Dataset): Column[] => columns[dataset];

/** The compiled validator of a contract, or of the event envelope. */
export const validatorOf = (id: string) => validators[id];

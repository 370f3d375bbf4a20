/** The contracts of all inputs: validators, columns and privacy plan, all derived from `schemas/`. */
import { columns, contracts, envelope } from './generated/contracts.ts';
import { checksValidator, eventValidators, rowValidators, type Validator } from './generated/validators.js';
import type { Column, Contract, Dataset, Leaf } from './model.ts';

export type { AnyEvent, CustomersRowV1, TransactionsRowV1 } from './generated/types.ts';
export type { Validator } from './generated/validators.js';
export {
  type Column,
  type ColumnType,
  type Contract,
  type Dataset,
  type Leaf,
  type Namespace,
  namespaces,
} from './model.ts';

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

const leafColumns = new Set([envelope, ...contracts.map(({ leaves }) => leaves)].flat().map(({ column }) => column));

/** Names of the columns that a door adds to a contract's own: where a record came from, and when. */
export const doorColumnsOf = (dataset: Dataset): string[] =>
  columns[dataset].map(({ name }) => name).filter((name) => !leafColumns.has(name));

/** The compiled validator of an event's payload by its contract's id, or of the `envelope`; Error where there is none. */
export const eventValidatorOf = (id: string): Validator => existing(eventValidators[id], id);

/** The compiled validator of a row by its contract's id; Error where there is none. */
export const rowValidatorOf = (id: string): Validator => existing(rowValidators[id], id);

/** The compiled validator of a table's checks (`sql/models/<layer>/<table>.checks.json`). */
export { checksValidator };

function existing(validator: Validator | undefined, id: string): Validator {
  if (!validator) throw new Error(`there is no validator for ${id}`);
  return validator;
}

/**
 * Receives a repaired raw line by its contract's own rules. Personal data has been taken out of it at the door, so that only
 * columns can be repaired which the door keeps as text, numbers and dates; ids of people and sealed text stay as they are.
 */
import {
  type Contract,
  contractOf,
  type Dataset,
  envelopeLeaves,
  eventValidatorOf,
  type Leaf,
  rawColumnsOf,
  rowValidatorOf,
} from '../../contracts/index.ts';
import type { Rates } from '../files/rates.ts';
import { checkSale } from '../files/receive-row.ts';
import type { JsonObject } from '../json.ts';
import { accepted, type Outcome, type Reason, rejected } from '../outcome.ts';
import { keptValue, type RawLine } from '../privacy/separate.ts';
import { violations } from '../validate.ts';

const isRepairable = ({ privacy }: Leaf): boolean => ['keep', 'scrub', 'coarsen_date'].includes(privacy);

/** The raw line that `repaired` (column name -> value) makes of the one that was refused. */
export function repairLine(dataset: Dataset, refused: RawLine, repaired: JsonObject, rates: Rates): Outcome<RawLine> {
  const contract = contractOfLine(dataset, repaired);
  if (!contract) return rejected('unknown_type', [{ path: '/event_type', rule: 'a published event type and version' }]);
  const leaves = dataset === 'events' ? [...envelopeLeaves, ...contract.leaves] : contract.leaves;
  const open = leaves.filter(isRepairable);
  const fixed = fixedColumns(dataset, open).filter(
    (column) => (repaired[column] ?? null) !== (refused[column] ?? null),
  );
  const unknown = Object.keys(repaired).filter((column) => !rawColumnsOf(dataset).some(({ name }) => name === column));
  const reasons: Reason[] = [
    ...fixed.map((column) => ({ path: `/${column}`, rule: 'as it came: this column cannot be repaired' })),
    ...(unknown.length > 0 ? [{ path: '/', rule: 'columns of the raw layer alone' }] : []),
    ...broken(dataset, contract, repaired, open),
  ];
  if (reasons.length > 0) return rejected('schema_violation', reasons, contract.id);
  if (dataset === 'transactions') {
    const sale = checkSale(propertiesOf(repaired, open), contract, rates);
    if (!sale.ok) return sale;
  }
  const line: RawLine = { ...refused };
  for (const leaf of open) {
    const value = repaired[leaf.column];
    line[leaf.column] = value === undefined || value === null ? undefined : keptValue(leaf, value, {});
  }
  return accepted({ ...line, redrive_count: Number(refused.redrive_count ?? 0) + 1 });
}

function contractOfLine(dataset: Dataset, line: JsonObject): Contract | undefined {
  return contractOf(dataset === 'events' ? `events/${line.event_type}/${line.event_version ?? 1}` : `${dataset}/1`);
}

/** The columns that a repair leaves as they are: origin and arrival, ids of people, sealed text. */
function fixedColumns(dataset: Dataset, open: Leaf[]): string[] {
  const columns = new Set(open.map(({ column }) => column));
  return rawColumnsOf(dataset)
    .map(({ name }) => name)
    .filter((name) => !columns.has(name));
}

/** What breaks the contract, of the columns that the line holds: what the vault took, or nobody may repair, is not asked for. */
function broken(dataset: Dataset, contract: Contract, line: JsonObject, open: Leaf[]): Reason[] {
  const judged = (leaves: Leaf[], reasons: Reason[]) => reasons.filter((reason) => isAbout(leaves, reason));
  const own = open.filter((leaf) => contract.leaves.includes(leaf));
  const document = propertiesOf(line, own);
  if (dataset !== 'events') {
    return judged(own, violations(rowValidatorOf(contract.id), contract.leaves, document));
  }
  const envelope = {
    ...propertiesOf(
      line,
      open.filter((leaf) => envelopeLeaves.includes(leaf)),
    ),
    payload: {},
  };
  return [
    ...judged(envelopeLeaves, violations(eventValidatorOf('envelope'), envelopeLeaves, envelope)),
    ...judged(own, violations(eventValidatorOf(contract.id), contract.leaves, document)),
  ];
}

const isAbout = (leaves: Leaf[], { path, rule }: Reason): boolean =>
  leaves.some(({ property }) => path === `/${property}` || new RegExp(`^required ${property}(,|$)`).test(rule));

const propertiesOf = (line: JsonObject, leaves: Leaf[]): JsonObject =>
  Object.fromEntries(
    leaves.flatMap(({ property, column }) => {
      const value = line[column];
      return value === undefined || value === null ? [] : [[property, value]];
    }),
  );

/** The four files that stand for a shop's exports, and the manifest of what is planted in them. */
import type { AnyEvent, Dataset } from '../contracts/index.ts';
import type { Day } from './calendar.ts';
import { priceChangesAmong } from './catalogue.ts';
import { movesAmong } from './customers.ts';
import { eventFaults } from './event-faults.ts';
import { eventsOf } from './events.ts';
import type { FileName, PlantedFault } from './faults.ts';
import type { GeneratorRequest } from './options.ts';
import { countOf, type FileRecord, type Line, linesOf, type PlacedLine, type RecordFile } from './planting.ts';
import { customerFaults, productFaults, saleFaults } from './row-faults.ts';
import {
  type CustomerColumn,
  csvLine,
  customerColumns,
  customerRows,
  type ProductColumn,
  productColumns,
  productRows,
  type Row,
  type SaleColumn,
  saleColumns,
  saleRows,
} from './rows.ts';
import { type World, worldOf } from './world.ts';

export interface GeneratedFile {
  name: FileName;
  dataset: Dataset;
  /** Records in the file, its header aside. */
  count: number;
  /** Each line with its `\n`, a CSV's header first; made as they are asked for, anew on each call. */
  lines(): Iterable<string>;
}

/**
 * The files of a synthetic shop, byte for byte the same for the same options. Nothing is made before lines are asked
 * for, and memory follows the busiest day, not the size. Throws GeneratorOptionError.
 */
export function generate(request: GeneratorRequest = {}): GeneratedFile[] {
  return plannedFiles(worldOf(request)).map(({ lines, ...file }) => ({ ...file, lines: () => textsOf(lines()) }));
}

/**
 * What `generate` plants for the same request, file by file in the order of lines, made as it is asked for. It names
 * nobody. Throws GeneratorOptionError.
 */
export function* plantedFaults(request: GeneratorRequest = {}): Iterable<PlantedFault> {
  const world = worldOf(request);
  if (world.options.faults.length === 0) return;
  for (const { name, lines } of plannedFiles(world)) {
    let number = 1;
    for (const { text, planted } of lines()) {
      if (planted) {
        const { fault, ...rest } = planted;
        yield { fault, file: name, line: number, ...rest };
      }
      if (text !== '') number += 1;
    }
  }
}

function* textsOf(lines: Iterable<Line>): Iterable<string> {
  for (const { text } of lines) if (text !== '') yield `${text}\n`;
}

/** A generated file whose lines tell what is planted. */
type PlannedFile = Omit<GeneratedFile, 'lines'> & { lines(): Iterable<Line> };

function plannedFiles(world: World): PlannedFile[] {
  return [customersFile(world), productsFile(world), transactionsFile(world), eventsFile(world)];
}

function planned<Item>({ options }: World, dataset: Dataset, file: RecordFile<Item>, header?: Line): PlannedFile {
  return {
    name: file.name,
    dataset,
    count: countOf(file, options),
    *lines() {
      if (header) yield header;
      yield* linesOf(file, options);
    },
  };
}

const headerOf = (columns: readonly string[]): Line => ({ text: columns.join(',') });

function customersFile(world: World): PlannedFile {
  const { customers } = world.options;
  const file: RecordFile<Row<CustomerColumn>> = {
    name: 'customers.csv',
    count: customers + movesAmong(customers),
    records: () => csvRecords(customerColumns, customerRows(world), (_, position) => position),
    faults: customerFaults(world.options),
  };
  return planned(world, 'customers', file, headerOf(customerColumns));
}

function productsFile(world: World): PlannedFile {
  const { products } = world.options;
  const file: RecordFile<Row<ProductColumn>> = {
    name: 'products.csv',
    count: products + priceChangesAmong(products),
    records: () => csvRecords(productColumns, productRows(world), (_, position) => position),
    faults: productFaults,
  };
  return planned(world, 'products', file, headerOf(productColumns));
}

function transactionsFile(world: World): PlannedFile {
  const missing = missingDayOf(world);
  const file: RecordFile<Row<SaleColumn>> = {
    name: 'transactions.csv',
    count: world.options.transactions - (missing ? linesOn(missing) : 0),
    records: () =>
      csvRecords(saleColumns, saleRows(world, missing), ({ ordered_at }) => Date.parse(String(ordered_at))),
    faults: saleFaults(world.options),
    gap: missing && gapAt(missing),
  };
  return planned(world, 'transactions', file, headerOf(saleColumns));
}

function eventsFile(world: World): PlannedFile {
  const file: RecordFile<AnyEvent> = {
    name: 'events.jsonl',
    count: world.options.events,
    records: () => eventRecords(world),
    faults: eventFaults(world),
  };
  return planned(world, 'events', file);
}

function* csvRecords<Column extends string>(
  columns: readonly Column[],
  rows: Iterable<Row<Column>>,
  placeOf: (row: Row<Column>, position: number) => number,
): Iterable<FileRecord<Row<Column>>> {
  let position = 0;
  for (const item of rows) {
    yield { item, text: csvLine(columns, item), at: placeOf(item, position) };
    position += 1;
  }
}

function* eventRecords(world: World): Iterable<FileRecord<AnyEvent>> {
  for (const day of world.calendar.days) {
    for (const item of eventsOf(world, day)) {
      yield { item, text: JSON.stringify(item), at: Date.parse(item.timestamp) };
    }
  }
}

const linesOn = ({ purchaseLines, returnLines }: Day): number => purchaseLines + returnLines;

/** The day whose transactions are left out: the first with any behind the middle of the period, but not its last. */
function missingDayOf({ options, calendar, lastDay }: World): Day | undefined {
  if (!options.faults.includes('missing_day')) return undefined;
  return calendar.days.slice(Math.ceil(lastDay / 2), lastDay).find((day) => day.index > 0 && linesOn(day) > 0);
}

const gapAt = ({ date, startsAt }: Day): PlacedLine => ({
  text: '',
  at: startsAt,
  planted: { fault: 'missing_day', id: date, expect: { place: 'gate', check: 'row_count' } },
});

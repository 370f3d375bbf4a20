/**
 * Plants faults among the records of a file. A fault only adds lines and leaves every record as it is, so that a file
 * without its planted lines is, byte for byte, the file without faults; a missing day alone takes lines away.
 */
import { dayMs } from './calendar.ts';
import type { Expectation, Fault, FileName, PlantedFault } from './faults.ts';
import type { GeneratorOptions } from './options.ts';
import { fractionOf, Random } from './random.ts';

/** One byte more than a record of a stream or a row of a file may have. */
export const oversize = 1_048_577;

/** Ten years: later than any clock that reads the data. */
export const farAheadMs = 10 * 365 * dayMs;

/** A line of a file without its `\n`. Text is empty where something is missing: no line then stands there. */
export interface Line {
  text: string;
  planted?: Omit<PlantedFault, 'file' | 'line'>;
}

/** A line with its place in the file's order: a time in milliseconds, or a position. */
export interface PlacedLine extends Line {
  at: number;
}

export interface FileRecord<Item> extends PlacedLine {
  item: Item;
}

/** A record that a fault is planted beside. */
export interface Spot<Item> extends FileRecord<Item> {
  random: Random;
  /** How many spots the fault has had in this file before. */
  number: number;
}

/** What a fault adds beside a record: behind it, unless `at` says otherwise. */
export interface Planting {
  text: string;
  at?: number;
  id?: string;
  group?: number;
  expect: Expectation;
}

interface FaultRule<Item> {
  plant(spot: Spot<Item>): Planting[];
  /** Lines that `plant` gives, 1 by default. */
  linesEach?: number;
  /** Fewest spots, 1 by default, and most. */
  least?: number;
  most?: number;
}

/** The faults that a file can have. */
export type FaultTable<Item> = Partial<Record<Fault, FaultRule<Item>>>;

export interface RecordFile<Item> {
  name: FileName;
  /** Records, exactly. */
  count: number;
  /** In the order of `at`. */
  records(): Iterable<FileRecord<Item>>;
  faults: FaultTable<Item>;
  /** Where records are missing. */
  gap?: PlacedLine;
}

/** Records in the file together with the lines planted among them. */
export function countOf<Item>(file: RecordFile<Item>, options: GeneratorOptions): number {
  return schedulesOf(file, options).reduce((sum, { rule, spots }) => sum + spots * (rule.linesEach ?? 1), file.count);
}

/** The records and what is planted among them, in the order of their places. */
export function* linesOf<Item>(file: RecordFile<Item>, options: GeneratorOptions): Iterable<Line> {
  const schedules = schedulesOf(file, options);
  const waiting: PlacedLine[] = file.gap ? [file.gap] : [];
  let position = 0;
  for (const record of file.records()) {
    for (const schedule of schedules) {
      while (schedule.next === position) for (const line of plantNext(schedule, record)) enqueue(waiting, line);
    }
    while (waiting.length > 0 && waiting[0]!.at < record.at) yield waiting.shift()!;
    yield record;
    position += 1;
  }
  yield* waiting;
}

/** Where a fault comes next: its spots are spread evenly over the file. */
interface Schedule<Item> {
  fault: Fault;
  rule: FaultRule<Item>;
  spots: number;
  number: number;
  /** Position of the next spot's record, from 0; behind the last record when there is none. */
  next: number;
  positionOf(number: number): number;
  randomOf(number: number): Random;
}

function schedulesOf<Item>({ name, count, faults }: RecordFile<Item>, options: GeneratorOptions): Schedule<Item>[] {
  if (count === 0) return [];
  return options.faults.flatMap((fault) => {
    const rule = faults[fault];
    if (!rule) return [];
    const { linesEach = 1, least = 1, most = Number.POSITIVE_INFINITY } = rule;
    const spots = Math.min(Math.max(Math.round((count * options.faultShare) / linesEach), least), most);
    const label = `${name} ${fault}`;
    const offset = fractionOf(options.seed, label);
    const positionOf = (number: number) => Math.floor(((number + offset) * count) / spots);
    const randomOf = (number: number) => new Random(options.seed, label, number);
    return { fault, rule, spots, number: 0, next: positionOf(0), positionOf, randomOf };
  });
}

function plantNext<Item>(schedule: Schedule<Item>, record: FileRecord<Item>): PlacedLine[] {
  const { fault, rule, number } = schedule;
  schedule.number += 1;
  schedule.next = schedule.positionOf(schedule.number);
  return rule
    .plant({ ...record, random: schedule.randomOf(number), number })
    .map(({ text, at = record.at, ...planted }) => ({ text, at, planted: { fault, ...planted } }));
}

/** Keeps the queue in the order of places; of equal places the first stays first. */
function enqueue(waiting: PlacedLine[], line: PlacedLine): void {
  waiting.splice(waiting.findLastIndex(({ at }) => at <= line.at) + 1, 0, line);
}

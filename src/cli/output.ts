/** How results are printed: tables for people, CSV and JSON for programs. Results go to stdout, all else to stderr. */
import { stripVTControlCharacters, styleText } from 'node:util';
import Table from 'cli-table3';
import { stringify } from 'yaml';
import type { ResultSet, Scalar } from '../ports.ts';

export type Format = 'table' | 'csv' | 'json';

export const formats: Format[] = ['table', 'csv', 'json'];

export const say = (line = ''): void => void process.stderr.write(`${line}\n`);
export const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Columns of the terminal; where the output goes elsewhere, what most terminals show. */
const terminalWidth = (): number => process.stdout.columns ?? 100;

/** Text broken between words into lines of the terminal, all but the first indented by so many blanks. */
export function wrapped(text: string, indent: number, width = terminalWidth()): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && indent + line.length + 1 + word.length <= width) lines.push(`${lines.pop()} ${word}`);
    else lines.push(word);
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}

type Style = Parameters<typeof styleText>[0];

/** Text in a style, where the terminal shows styles. */
export const styled = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

const thousands = new Intl.NumberFormat('en-US');

export const count = (value: number): string => thousands.format(value);

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return `${(value / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** Column kinds, told by name and by type as DuckDB or Redshift names it: they decide how a number is shown to people. */
const isRate = (name: string): boolean => name.endsWith('_rate') || name.startsWith('confidence_');
const isScore = (name: string): boolean => /(^|_)(lift|z_score)$/.test(name);
const isDecimal = (type: string): boolean => /^(DECIMAL|numeric)/.test(type);
const isBigInteger = (type: string): boolean => /^(BIGINT|HUGEINT|int8)$/.test(type);
const isNumeric = (type: string): boolean =>
  isDecimal(type) || isBigInteger(type) || /^(INTEGER|DOUBLE|RATE|int[24]|float[48])/.test(type);
const idPattern = /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{64})$/;

/** A value as people read it: money with two decimals, rates in percent, ids shortened. */
function cell(value: Scalar, name: string, type: string): string {
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (isRate(name) || type === 'RATE') return `${(Number(value) * 100).toFixed(1)} %`;
  if (isScore(name)) return Number(value).toFixed(2);
  if (isDecimal(type)) return decimalText(String(value));
  if (typeof value === 'number')
    return isBigInteger(type) && !/_no$|year|decade/.test(name) ? count(value) : String(value);
  if (/^(month|cohort)_on$/.test(name)) return value.slice(0, 7);
  return idPattern.test(value) ? `${value.slice(0, 8)}…` : value;
}

/** Decimal text rounded to two places (half away from zero) with thousands separators, without passing a float. */
function decimalText(text: string): string {
  const [, sign = '', whole = '0', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  let cents = BigInt(whole + fraction.slice(0, 2).padEnd(2, '0'));
  if (fraction.charCodeAt(2) >= 53) cents += 1n;
  const digits = cents.toString().padStart(3, '0');
  return `${cents === 0n ? '' : sign}${thousands.format(BigInt(digits.slice(0, -2)))}.${digits.slice(-2)}`;
}

export interface TableOptions {
  /** Rows shown; the rest is counted below the table. */
  limit?: number;
  /** Columns of the terminal. */
  width?: number;
  /** Headings stand as the columns are named, and are not made readable. */
  areNamesKept?: boolean;
  /** Text that does not fit is broken into lines instead of cut. */
  isTextWrapped?: boolean;
}

/** A result as a table that fits the terminal's width; columns without room follow below, rows not shown are counted. */
export function tableText({ columns, rows }: ResultSet, options: TableOptions = {}): string {
  const { limit, width = terminalWidth(), areNamesKept = false, isTextWrapped = false } = options;
  if (rows.length === 0) return styled('dim', '  no rows');
  const shown = limit ? rows.slice(0, limit) : rows;
  const drafts = columns.map(({ name, type }, index): DraftColumn => {
    const cells = shown.map((row) => cell(row[index]!, name, type));
    const isNumber = isNumeric(type);
    const mayBeCut = !isNumber && !/^(DATE|TIME|BOOL|ID$)/i.test(type);
    return { head: areNamesKept ? name : heading(name), isNumber, mayBeCut, cells };
  });
  const blocks = layoutsOf(drafts, width).map((layout) => blockText(layout, isTextWrapped));
  if (shown.length === rows.length) return blocks.join('\n\n');
  const more = `… ${count(rows.length - shown.length)} more rows (--limit 0 shows all, --format csv is complete)`;
  return `${blocks.join('\n\n')}\n${styled('dim', wrapped(more, 0, width))}`;
}

function blockText({ columns, gap }: Layout, isTextWrapped: boolean): string {
  const table = new Table({
    head: columns.map(({ head }) => styled('bold', head)),
    colAligns: columns.map(({ isNumber }) => (isNumber ? 'right' : 'left')),
    colWidths: columns.map((column) => column.width + gap),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': gap },
    chars: rulesOnly,
    wordWrap: isTextWrapped,
  });
  for (const row of columns[0]!.cells.keys()) table.push(columns.map(({ cells }) => cells[row]!));
  return table.toString().replaceAll(trailing, '');
}

/** The gap behind the last column, and its part of the rule under the head. */
const trailing = / +$|(?<=─)─{1,2}$/gm;

/** `first_order_on` is read as "first order", `is_winner` as "winner". */
const heading = (name: string): string => name.replaceAll(/^(is|has)_|_on$/g, '').replaceAll('_', ' ');

interface DraftColumn {
  head: string;
  isNumber: boolean;
  /** Text may be cut where room is short; a number or a date that is cut is another one. */
  mayBeCut: boolean;
  cells: string[];
}

interface FittedColumn extends DraftColumn {
  width: number;
}

/** Blanks between columns; the narrow gap is for tables that would not fit otherwise. */
const gaps = [2, 1];
const indent = 2;

/** A column of text is not cut below this: room for a shortened id. */
const leastText = 9;

interface Layout {
  columns: FittedColumn[];
  gap: number;
}

/** So many columns at the left say which row it is: they lead each further part of a table, too. */
const leadingColumns = 2;

/** The columns in as many parts as the terminal's width asks for, one below the other. */
function layoutsOf(drafts: DraftColumn[], room: number): Layout[] {
  const layouts = [fitColumns(drafts, room)];
  const leading = drafts.slice(0, leadingColumns);
  for (let rest = drafts.slice(layouts[0]!.columns.length); rest.length > 0; ) {
    const led = fitColumns([...leading, ...rest], room);
    const layout = led.columns.length > leading.length ? led : fitColumns(rest, room);
    layouts.push(layout);
    rest = rest.slice(layout.columns.length - (layout === led ? leading.length : 0));
  }
  return layouts;
}

/**
 * The columns with the widths at which they fit: headings that are wider than their cells are broken into lines, the
 * gaps get narrow, then text gives way, the widest first, and at last only so many
 * columns are taken as there is room for, at least one.
 */
function fitColumns(drafts: DraftColumn[], room: number): Layout {
  const wide = { columns: drafts.map(withWidth), gap: gaps[0]! };
  if (totalWidth(wide) <= room) return wide;
  const narrow = wide.columns.map((column) => withWidth({ ...column, head: inLines(column) }));
  for (let number = narrow.length; number > 0; number -= 1) {
    const whole = gaps.map((gap): Layout => ({ columns: narrow.slice(0, number), gap }));
    const fitting = [...whole, ...whole.map((layout) => shrink(layout, room))].find(
      (layout) => totalWidth(layout) <= room,
    );
    if (fitting) return fitting;
  }
  return shrink({ columns: narrow.slice(0, 1), gap: gaps[0]! }, room);
}

const withWidth = (draft: DraftColumn): FittedColumn => ({
  ...draft,
  width: draft.cells.reduce((widest, text) => Math.max(widest, textWidth(text)), textWidth(draft.head)),
});

const totalWidth = ({ columns, gap }: Layout): number =>
  columns.reduce((sum, { width }) => sum + width + gap, indent - gap);

/** A heading on as few lines as let its column be as narrow as its cells, or as its longest word. */
function inLines({ head, cells, mayBeCut }: FittedColumn): string {
  const needed = mayBeCut ? leastText : Math.max(...cells.map(textWidth));
  const longestWord = Math.max(...head.split(' ').map(textWidth));
  return wrapped(head, 0, Math.max(needed, longestWord));
}

/** Columns of text made narrower, the widest first, until all fit or none can give way any more. */
function shrink({ columns, gap }: Layout, room: number): Layout {
  const shrunk = columns.map((column) => ({ ...column }));
  for (let excess = totalWidth({ columns, gap }) - room; excess > 0; excess -= 1) {
    const giving = shrunk.filter(
      ({ mayBeCut, head, width }) => mayBeCut && width > Math.max(leastText, textWidth(head)),
    );
    if (giving.length === 0) break;
    giving.reduce((widest, column) => (column.width > widest.width ? column : widest)).width -= 1;
  }
  return { columns: shrunk, gap };
}

/** Columns of the terminal that the widest line of a text takes. */
function textWidth(text: string): number {
  const widths = stripVTControlCharacters(text)
    .split('\n')
    .map((line) => [...line].reduce((sum, character) => sum + (doubleWidth.test(character) ? 2 : 1), 0));
  return Math.max(...widths);
}

const doubleWidth =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}]/u;

/** One line under the head, none elsewhere. */
const rulesOnly = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '  ',
  'left-mid': '  ',
  mid: '─',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
};

const csvText = ({ columns, rows }: ResultSet): string =>
  [columns.map(({ name }) => name), ...rows].map(csvLine).join('\n');

function csvLine(values: unknown[]): string {
  const fields = values.map((value) => {
    const text = value === null ? '' : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return fields.join(',');
}

/** Prints a result; JSON is `about` with the rows as objects. */
export function printResult(result: ResultSet, format: Format, options: TableOptions & { about?: object } = {}): void {
  if (format === 'csv') print(csvText(result));
  else if (format === 'json') {
    const rows = result.rows.map((row) =>
      Object.fromEntries(row.map((value, index) => [result.columns[index]!.name, value])),
    );
    print(JSON.stringify({ ...options.about, rows }, null, 2));
  } else print(tableText(result, options));
}

/** Prints a summary: lines of `name  value` for people, one object for programs. */
export function printSummary(summary: Record<string, unknown>, format: Format): void {
  if (format === 'json') print(JSON.stringify(summary, null, 2));
  else if (format === 'csv') print(`${csvLine(Object.keys(summary))}\n${csvLine(Object.values(summary))}`);
  else print(stringify(summary).trimEnd());
}

/** How results are printed: tables for people, CSV and JSON for programs. Results go to stdout, all else to stderr. */
import { styleText } from 'node:util';
import Table from 'cli-table3';
import { stringify } from 'yaml';
import type { ResultSet, Scalar } from '../ports.ts';

export type Format = 'table' | 'csv' | 'json';

export const formats: Format[] = ['table', 'csv', 'json'];

export const say = (line = ''): void => void process.stderr.write(`${line}\n`);
export const print = (text: string): void => void process.stdout.write(`${text}\n`);

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

/** Column kinds, told by name and type: they decide how a number is shown to people. */
const isRate = (name: string): boolean => name.endsWith('_rate') || name.startsWith('confidence_');
const isScore = (name: string): boolean => /(^|_)(lift|z_score)$/.test(name);
const isNumeric = (type: string): boolean => /^(BIGINT|HUGEINT|INTEGER|DOUBLE|DECIMAL|RATE)/.test(type);
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A value as people read it: money with two decimals, rates in percent, ids shortened. */
function cell(value: Scalar, name: string, type: string): string {
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (isRate(name) || type === 'RATE') return `${(Number(value) * 100).toFixed(1)} %`;
  if (isScore(name)) return Number(value).toFixed(2);
  if (type.startsWith('DECIMAL')) return decimalText(String(value));
  if (typeof value === 'number')
    return type === 'BIGINT' && !/_no$|year|decade/.test(name) ? count(value) : String(value);
  if (/^(month|cohort)_on$/.test(name)) return value.slice(0, 7);
  return uuidPattern.test(value) ? `${value.slice(0, 8)}…` : value;
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
}

/** A result as a table. */
export function tableText({ columns, rows }: ResultSet, { limit }: TableOptions = {}): string {
  if (rows.length === 0) return styled('dim', '  no rows');
  const shown = limit ? rows.slice(0, limit) : rows;
  const table = new Table({
    head: columns.map(({ name }) => styled('bold', name.replaceAll('_', ' '))),
    colAligns: columns.map(({ type }) => (isNumeric(type) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
    chars: rulesOnly,
    wordWrap: true,
  });
  for (const row of shown)
    table.push(row.map((value, index) => cell(value, columns[index]!.name, columns[index]!.type)));
  const text = table.toString().replaceAll(/ +$/gm, '');
  const more = rows.length - shown.length;
  if (more === 0) return text;
  return `${text}\n${styled('dim', `… ${count(more)} more rows (--limit 0 shows all, --format csv is complete)`)}`;
}

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
  'mid-mid': '─',
  right: '',
  'right-mid': '',
  middle: '',
};

function csvText({ columns, rows }: ResultSet): string {
  const field = (value: Scalar) => {
    const text = value === null ? '' : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns.map(({ name }) => name), ...rows].map((row) => row.map(field).join(',')).join('\n');
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
  else if (format === 'csv') print(`${Object.keys(summary).join(',')}\n${Object.values(summary).join(',')}`);
  else print(stringify(summary).trimEnd());
}

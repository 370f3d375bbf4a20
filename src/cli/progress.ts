/** Progress on stderr, on what takes longer than a moment; none where nobody watches. */
import { Presets, SingleBar } from 'cli-progress';
import { bytes, count } from './output.ts';

export interface Progress {
  /** `done` of the total; more than the total widens it. */
  update(done: number): void;
  stop(): void;
}

/** A bar for work that is counted in `unit`, `bytes` among them; a mere counter where the total is not known (0). */
export function progress(what: string, total: number, unit: string): Progress {
  if (!process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  const bar = new SingleBar(
    {
      stream: process.stderr,
      format: `  ${what.padEnd(16)} ${total > 0 ? barLine(unit) : `{value}${nameOf(unit)}`}`,
      formatValue: (value, _, type) => (type === 'value' || type === 'total' ? amount(value, unit) : String(value)),
      barsize: 30,
      hideCursor: true,
      clearOnComplete: true,
      fps: 12,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return {
    update: (done) => {
      if (done > bar.getTotal()) bar.setTotal(done);
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

const barLine = (unit: string): string => `{bar} {percentage} % │ {value} of {total}${nameOf(unit)} │ {eta_formatted}`;

/** Bytes are told with their own unit. */
const nameOf = (unit: string): string => (unit === 'bytes' ? '' : ` ${unit}`);
const amount = (value: number, unit: string): string => (unit === 'bytes' ? bytes(value) : count(value));

/** Progress bars on stderr, on what takes longer than a moment; none where nobody watches. */
import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** `done` of the total; more than the total widens it. */
  update(done: number): void;
  stop(): void;
}

/** A bar for work that is counted in `unit`. */
export function progress(what: string, total: number, unit: string): Progress {
  if (!process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  const bar = new SingleBar(
    {
      stream: process.stderr,
      format: `  ${what.padEnd(16)} {bar} {percentage} % │ {value} of {total} ${unit} │ {eta_formatted}`,
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

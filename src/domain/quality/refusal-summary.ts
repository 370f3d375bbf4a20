/** Why records were refused, counted by reason: what a person looks at first. */
import type { Reason } from '../outcome.ts';

export interface RefusalGroup {
  path: string;
  rule: string;
  records: number;
  /** Lines of the file, or places in the batch, of the first of them. */
  firstLines: number[];
}

const mostGroups = 1000;
const mostLines = 3;

export class RefusalSummary {
  readonly #groups = new Map<string, RefusalGroup>();

  add(reasons: Reason[], line: number): void {
    for (const { path, rule } of reasons) {
      const key = `${path} ${rule}`;
      const group = this.#groups.get(key) ?? { path, rule, records: 0, firstLines: [] };
      if (this.#groups.size >= mostGroups && !this.#groups.has(key)) continue;
      group.records += 1;
      if (group.firstLines.length < mostLines) group.firstLines.push(line);
      this.#groups.set(key, group);
    }
  }

  /** The most frequent reason first. */
  groups(): RefusalGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.records - a.records || a.firstLines[0]! - b.firstLines[0]!);
  }
}

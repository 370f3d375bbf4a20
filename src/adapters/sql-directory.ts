/** SqlFiles over the repository's `sql/` folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SqlFiles } from '../ports.ts';

export class SqlDirectory implements SqlFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  read(path: string): string {
    return readFileSync(join(this.#directory, path), 'utf8');
  }

  list(folder: string): string[] {
    return readdirSync(join(this.#directory, folder))
      .filter((name) => /\.(sql|checks\.json)$/.test(name))
      .sort()
      .map((name) => `${folder}/${name}`);
  }
}

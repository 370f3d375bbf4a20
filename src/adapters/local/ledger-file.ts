/** The suppression ledger as a file of one JSON entry a line, in the key directory: apart from the data and its backups. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { lookUpValue, nameOf } from '../../domain/privacy/vault-entries.ts';
import type { LedgerEntry, NaturalId, SuppressionLedger } from '../../ports.ts';
import { writing } from './full-disk.ts';
import { refusal } from './refusal.ts';

export class LedgerFile implements SuppressionLedger {
  readonly #path: string;
  readonly #key: Uint8Array;
  #entries: LedgerEntry[] = [];
  /** Size of the file when it was last read, and of the entries in it that are whole. */
  #size = 0;
  #wholeBytes = 0;

  /** `key` is 32 bytes, the ledger's own. */
  constructor(path: string, options: { key: Uint8Array }) {
    this.#path = path;
    this.#key = options.key;
  }

  async append(ids: NaturalId[], erasedAt: Date): Promise<number> {
    this.#read();
    const last = this.#entries.length;
    const lines = ids.map((id, index) => {
      const entry: LedgerEntry = { number: last + index + 1, hmac: this.hmacOf(id), erasedAt: erasedAt.toISOString() };
      return `${JSON.stringify(entry)}\n`;
    });
    writing(this.#path, () => this.#write(lines.join('')));
    return last + ids.length;
  }

  #write(text: string): void {
    const file = openSync(this.#path, 'a', 0o600);
    try {
      // An entry that was cut off while it was written makes no room for the next on its line.
      ftruncateSync(file, this.#wholeBytes);
      // Unlike writeSync, which on a disk that fills up writes a part and says so by its result alone.
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  async entries(after: number): Promise<LedgerEntry[]> {
    this.#read();
    return this.#entries.slice(after);
  }

  hmacOf(id: NaturalId): string {
    return lookUpValue(this.#key, nameOf(id)).toString('hex');
  }

  /** Reads the file where it has grown. A last line without its end was cut off while it was written, and does not count. */
  #read(): void {
    const size = existsSync(this.#path) ? statSync(this.#path).size : 0;
    if (size === this.#size) return;
    const text = readFileSync(this.#path, 'utf8');
    this.#wholeBytes = text.lastIndexOf('\n') + 1;
    const lines = text.slice(0, this.#wholeBytes).split('\n').slice(0, -1);
    this.#entries = lines.map((line, index) => parseEntry(line, index + 1, this.#path));
    this.#size = size;
  }
}

function parseEntry(line: string, number: number, path: string): LedgerEntry {
  try {
    const entry = JSON.parse(line) as LedgerEntry;
    if (entry.number === number && /^[0-9a-f]{64}$/.test(entry.hmac)) return entry;
  } catch {
    // Told below, without the text.
  }
  throw refusal(`${path}, line ${number} is no entry of the ledger: restore the file from its backup`);
}

/** How the rows of a file are read, kept as long as its refused rows are: a refused CSV row alone has no column names. */
import type { Mapping } from '../domain/files/mapping.ts';
import { quarantineEnd } from '../domain/privacy/quarantine-day.ts';
import { open, seal } from '../domain/privacy/seal.ts';
import type { Environment } from '../ports.ts';
import type { FileShape } from './read-rows.ts';

export interface RowFormat {
  shape: FileShape;
  mapping?: Mapping;
}

/** An item holds 400 KB at most; a header that comes near it is no header that anybody repairs a row of. */
const longestSealed = 300_000;

const keyOf = (fileId: string) => ({ partition: 'row-formats', sort: fileId });
const contextOf = (fileId: string) => `row format of ${fileId}`;

/** Keeps a file's format, sealed as its refused rows are, since column names can be personal data too. */
export async function keepRowFormat(env: Environment, fileId: string, format: RowFormat): Promise<void> {
  const { day: sealedOn, key } = await env.vault.quarantineSealingKey();
  const sealed = seal(key, JSON.stringify(format), contextOf(fileId));
  if (sealed.length > longestSealed) return;
  const values = { sealed, sealedOn };
  const expiresAt = quarantineEnd(sealedOn);
  await env.hot.write([{ table: 'files', put: { ...keyOf(fileId), values, expiresAt } }]);
}

/** The format of a file, or undefined where none is kept or the key of its day is gone. */
export async function readRowFormat(env: Environment, fileId: string): Promise<RowFormat | undefined> {
  const item = await env.hot.get('files', keyOf(fileId));
  if (!item) return undefined;
  const { sealed, sealedOn } = item.values as { sealed: string; sealedOn: string };
  const key = await env.vault.quarantineOpeningKey(sealedOn);
  return key && (JSON.parse(open(key, sealed, contextOf(fileId)).toString()) as RowFormat);
}

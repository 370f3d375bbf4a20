import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LedgerFile } from '../../../../src/adapters/local/ledger-file.ts';
import type { NaturalId } from '../../../../src/ports.ts';
import { suppressionLedgerContract } from '../../../contracts/suppression-ledger.ts';
import { temporaryDirectories } from '../../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
const user = (id: string): NaturalId => ({ namespace: 'user', id });

function newLedger() {
  const path = join(newDirectory(), 'ledger.jsonl');
  const open = () => new LedgerFile(path, { key: new Uint8Array(32).fill(3) });
  return { path, ledger: open(), beside: open, close: () => {} };
}

suppressionLedgerContract('file', async () => newLedger());

describe('a ledger in a file', () => {
  test('holds no natural id and is readable for its owner only', async () => {
    const { path, ledger } = newLedger();
    await ledger.append([user('customer-7f3a9c')], new Date(0));
    expect(readFileSync(path, 'utf8')).not.toContain('7f3a9c');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('does not count an entry that was cut off while it was written, and writes the next in its place', async () => {
    const { path, ledger, beside } = newLedger();
    await ledger.append([user('ann')], new Date(0));
    appendFileSync(path, '{"number":2,"hm');
    expect(await beside().entries(0)).toHaveLength(1);
    expect(await beside().append([user('ben')], new Date(0))).toBe(2);
    expect((await ledger.entries(0)).map(({ hmac }) => hmac)).toEqual(
      [user('ann'), user('ben')].map((id) => ledger.hmacOf(id)),
    );
  });

  test.each(['{"number":3,"hmac":"00","erasedAt":""}\n', 'planted-7f3a9c\n', '\n'])(
    'refuses a line that is no entry, without quoting it: %j',
    async (line) => {
      const { path, ledger } = newLedger();
      await ledger.append([user('ann')], new Date(0));
      writeFileSync(path, readFileSync(path, 'utf8') + line);
      await expect(ledger.entries(0)).rejects.toThrow(
        `${path}, line 2 is no entry of the ledger: restore the file from its backup`,
      );
    },
  );
});

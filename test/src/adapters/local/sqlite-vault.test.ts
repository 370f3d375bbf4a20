import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { KeyDirectory } from '../../../../src/adapters/local/key-directory.ts';
import { LedgerFile } from '../../../../src/adapters/local/ledger-file.ts';
import { SqliteVault } from '../../../../src/adapters/local/sqlite-vault.ts';
import { systemClock, systemIds } from '../../../../src/adapters/local/system.ts';
import type { NaturalId, Subject } from '../../../../src/ports.ts';
import { vaultContract } from '../../../contracts/vault.ts';
import { filesBelow, filesHolding, raceProcesses, temporaryDirectories } from '../../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
const user = (id: string): NaturalId => ({ namespace: 'user', id });
const ledgerIn = (directory: string) =>
  new LedgerFile(join(directory, 'ledger.jsonl'), { key: new Uint8Array(32).fill(3) });

/** A vault in a directory of its own, with what tests do to it from outside. */
function newVault(cacheSize?: number, clock = systemClock) {
  const directory = newDirectory();
  const path = join(directory, 'data/vault.db');
  const keys = new KeyDirectory(join(directory, 'keys'), { protects: [path] });
  const ledger = ledgerIn(directory);
  const open = () => new SqliteVault(path, { keys, ids: systemIds, clock, ledger: ledgerIn(directory), cacheSize });
  const vault = open();
  const opened = [vault];
  const beside = () => {
    opened.push(open());
    return opened.at(-1)!;
  };
  const inFile = <T>(work: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(path);
    try {
      return work(database);
    } finally {
      database.close();
    }
  };
  const erase = (subjectId: string) =>
    inFile((database) => {
      database.exec('pragma secure_delete = on; begin immediate');
      for (const sql of [
        `update subjects set state = 'erased', subject_id = null where subject_id = ?`,
        'delete from subject_keys where subject_id = ?',
        'delete from users_pii where subject_id = ?',
      ]) {
        database.prepare(sql).run(subjectId);
      }
      database.exec('update vault_state set epoch = epoch + 1; commit');
    });
  const close = () => {
    for (const one of opened) one.close();
  };
  return { directory, path, vault, ledger, open, beside, rotateKeys: () => vault.rotateKeys(), inFile, erase, close };
}

async function subjectOf(vault: SqliteVault, id: string): Promise<Subject> {
  const [resolution] = await vault.resolve([user(id)]);
  if (resolution?.state !== 'known') throw new Error(`${id} is suppressed`);
  return resolution.subject;
}

vaultContract('SQLite', async (clock) => newVault(undefined, clock));
vaultContract('SQLite, remembering one resolution only', async (clock) => newVault(1, clock));

describe('a vault in a file', () => {
  test('holds no natural id, e-mail, name, subject key or quarantine key in the clear', async () => {
    const { directory, vault, close } = newVault();
    const ann = await subjectOf(vault, 'customer-7f3a9c');
    const fields = { email: 'planted-mail@example.org', full_name: 'Planted Name', phone: '+1 555 010 7777' };
    await vault.keepPersonalData([{ subject: ann, fields, asOf: new Date(0) }]);
    const { key: quarantineKey } = await vault.quarantineSealingKey();
    expect(filesHolding(directory, ann.subjectId)).not.toEqual([]);
    for (const text of ['customer-7f3a9c', ...Object.values(fields)]) {
      expect(filesHolding(directory, text)).toEqual([]);
      expect(filesHolding(directory, Buffer.from(text).toString('base64url').slice(2, -2))).toEqual([]);
    }
    for (const key of [ann.dataKey, quarantineKey]) {
      for (const encoding of ['latin1', 'hex', 'base64url', 'base64'] as const) {
        expect(filesHolding(directory, Buffer.from(key).toString(encoding))).toEqual([]);
      }
    }
    close();
  });

  test('leaves no journal and no byte of what was deleted', async () => {
    const { directory, path, vault, inFile, erase, close } = newVault();
    const ann = await subjectOf(vault, 'ann');
    await vault.keepPersonalData([{ subject: ann, fields: { email: 'a@example.org' }, asOf: new Date(0) }]);
    const { sealed } = inFile((database) => database.prepare('select sealed_fields as sealed from users_pii').get()!);
    expect(filesHolding(directory, String(sealed))).toEqual([path]);
    erase(ann.subjectId);
    expect(filesHolding(directory, String(sealed))).toEqual([]);
    expect(filesHolding(directory, ann.subjectId)).toEqual([]);
    expect(filesBelow(join(path, '..'))).toEqual([path]);
    close();
  });

  test.each(['is opened', 'gives another key'])(
    'leaves no byte of a quarantine key that is over once it %s',
    async (when) => {
      let now = new Date('2026-01-02T12:00:00Z');
      const { directory, path, vault, inFile, open, close } = newVault(undefined, { now: () => now });
      await vault.quarantineSealingKey();
      const { wrapped } = inFile(
        (database) => database.prepare('select wrapped_key as wrapped from quarantine_keys').get()!,
      );
      expect(filesHolding(directory, String(wrapped))).toEqual([path]);
      now = new Date('2026-01-23T00:00:00Z');
      if (when === 'is opened') open().close();
      else await vault.quarantineSealingKey();
      expect(filesHolding(directory, String(wrapped))).toEqual([]);
      close();
    },
  );

  test('keeps subjects, personal data and quarantine keys when it is opened anew', async () => {
    const { vault, open, close } = newVault();
    const ann = await subjectOf(vault, 'ann');
    await vault.keepPersonalData([{ subject: ann, fields: { email: 'a@example.org' }, asOf: new Date(0) }]);
    const { day, key: quarantineKey } = await vault.quarantineSealingKey();
    close();
    const again = open();
    expect(await subjectOf(again, 'ann')).toEqual({ ...ann, dataKey: expect.anything() });
    expect([...(await subjectOf(again, 'ann')).dataKey]).toEqual([...ann.dataKey]);
    expect(await again.personalData(ann.subjectId)).toEqual({ email: 'a@example.org' });
    expect([...(await again.quarantineOpeningKey(day))!]).toEqual([...quarantineKey]);
    again.close();
  });

  test('shows an erasure by one process to another that remembers the subject', async () => {
    const { vault, open, erase, close } = newVault();
    const other = open();
    const ann = await subjectOf(vault, 'ann');
    expect(await subjectOf(other, 'ann')).toEqual(ann);
    erase(ann.subjectId);
    expect(await other.resolve([user('ann')])).toEqual([{ state: 'suppressed' }]);
    expect(await vault.lookUp([user('ann')])).toEqual([{ state: 'suppressed' }]);
    other.close();
    close();
  });

  test('finds ids and tombstones from before its keys were rotated, and opens what was sealed then', async () => {
    const { vault, open, inFile, erase, close } = newVault();
    const other = open();
    const [ann, ben] = [await subjectOf(vault, 'ann'), await subjectOf(vault, 'ben')];
    await vault.keepPersonalData([{ subject: ann, fields: { phone: '1' }, asOf: new Date(0) }]);
    erase(ben.subjectId);
    vault.rotateKeys();
    const eve = await subjectOf(other, 'eve');
    expect(await subjectOf(vault, 'eve')).toEqual(eve);
    expect(await subjectOf(vault, 'ann')).toEqual(ann);
    expect(await vault.resolve([user('ben')])).toEqual([{ state: 'suppressed' }]);
    expect(await vault.personalData(ann.subjectId)).toEqual({ phone: '1' });
    const versions = (sql: string) =>
      inFile((database) =>
        database
          .prepare(sql)
          .all()
          .map(({ version }) => version),
      );
    expect(versions('select hmac_version as version from subjects order by 1')).toEqual([1, 1, 2]);
    expect(versions('select vault_key_version as version from subject_keys order by 1')).toEqual([1, 2]);
    other.close();
    close();
  });

  test('keeps one look-up value for the spellings of an e-mail, none where there is no e-mail', async () => {
    const { vault, inFile, close } = newVault();
    const emails = [' Ann.É@Example.org ', 'ann.e\u0301@example.org', 'other@example.org', undefined];
    for (const [index, email] of emails.entries()) {
      const subject = await subjectOf(vault, `customer ${index}`);
      const fields: Record<string, string> = email === undefined ? { phone: '1' } : { email };
      await vault.keepPersonalData([{ subject, fields, asOf: new Date(0) }]);
    }
    const shared = inFile((database) =>
      database.prepare('select count(*) as subjects from users_pii group by email_hmac order by email_hmac').all(),
    );
    expect(shared.map(({ subjects }) => subjects).toSorted()).toEqual([1, 1, 2]);
    close();
  });

  test('remembers no subject of a call that failed midway', async () => {
    const directory = newDirectory();
    const keys = new KeyDirectory(join(directory, 'keys'), { protects: [] });
    let made = 0;
    const uuid = () => {
      made += 1;
      if (made === 2) throw new Error('out of ids');
      return systemIds.uuid();
    };
    const vault = new SqliteVault(join(directory, 'vault.db'), {
      keys,
      ids: { uuid },
      clock: systemClock,
      ledger: ledgerIn(directory),
    });
    await expect(vault.resolve([user('ann'), user('ben')])).rejects.toThrow('out of ids');
    expect(await vault.lookUp([user('ann')])).toEqual([undefined]);
    vault.close();
  });

  test('refuses another root key than that of its data', () => {
    const { path, close } = newVault();
    close();
    const keys = new KeyDirectory(join(newDirectory(), 'keys'), { protects: [] });
    expect(
      () => new SqliteVault(path, { keys, ids: systemIds, clock: systemClock, ledger: ledgerIn(newDirectory()) }),
    ).toThrow(/the vault key 1 was not wrapped under the root key in .*: restore the key directory/);
  });

  test('that was restored from a backup brings nobody back who was erased since', async () => {
    const { path, vault, ledger, open } = newVault();
    const ann = await subjectOf(vault, 'ann');
    vault.close();
    const backup = readFileSync(path);
    await ledger.append([user('ann')], new Date(0));
    writeFileSync(path, backup);
    const restored = open();
    expect(await restored.lookUp([user('ann'), user('ben')])).toEqual([{ state: 'suppressed' }, undefined]);
    expect((await restored.resolve([user('ann')]))[0]).toEqual({ state: 'suppressed' });
    await restored.keepPersonalData([{ subject: ann, fields: { email: 'a@example.org' }, asOf: new Date(0) }]);
    expect(await restored.personalData(ann.subjectId)).toBeUndefined();
    restored.close();
  });

  test('gives every process the same subject where all see an id first, in a vault that none has opened yet', async () => {
    const directory = newDirectory();
    const module = (name: string) =>
      pathToFileURL(join(import.meta.dirname, '../../../../src/adapters/local', name)).href;
    const answers = await raceProcesses<string[]>(
      3,
      `const { SqliteVault } = await import('${module('sqlite-vault.ts')}');
       const { KeyDirectory } = await import('${module('key-directory.ts')}');
       const { systemClock, systemIds } = await import('${module('system.ts')}');
       const { LedgerFile } = await import('${module('ledger-file.ts')}');
       await start();
       const ledger = new LedgerFile(${JSON.stringify(join(directory, 'ledger.jsonl'))}, { key: new Uint8Array(32) });
       const keys = new KeyDirectory(${JSON.stringify(join(directory, 'keys'))}, { protects: [] });
       const vault = new SqliteVault(${JSON.stringify(join(directory, 'vault.db'))}, { keys, ids: systemIds, clock: systemClock, ledger });
       const subjects = [];
       for (let batch = 0; batch < 10; batch += 1) {
         const ids = Array.from({ length: 20 }, (_, index) => ({ namespace: 'user', id: batch + '/' + index }));
         for (const { subject } of await vault.resolve(ids)) subjects.push(subject.subjectId);
       }
       report(subjects);`,
    );
    expect(answers[0]).toHaveLength(200);
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });
});

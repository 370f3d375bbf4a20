/** The vault on one machine. Its file holds HMACs and ciphertext; the key that opens it lies in the key directory. */
import { randomBytes } from 'node:crypto';
import { dayOf, oldestQuarantineDay } from '../../domain/privacy/quarantine-day.ts';
import {
  emailName,
  lookUpValue,
  nameOf,
  openFields,
  quarantineDayProblem,
  sealFields,
  subjectWith,
  unwrapKey,
  type VersionedKey,
  wrapKey,
} from '../../domain/privacy/vault-entries.ts';
import { RecentlyUsed } from '../../domain/recently-used.ts';
import type { Clock, Ids, NaturalId, PersonalData, Resolution, SuppressionLedger, Vault } from '../../ports.ts';
import type { KeyDirectory } from './key-directory.ts';
import { refusal } from './refusal.ts';
import { SqliteFile } from './sqlite.ts';

const schema = `
  -- One row. Whoever changes what others may remember (an erasure, new keys) raises the epoch.
  create table if not exists vault_state (
    one integer primary key check (one = 1),
    epoch integer not null,
    -- The last entry of the suppression ledger that this vault has taken notice of.
    ledger_number integer not null
  ) strict;
  insert or ignore into vault_state (one, epoch, ledger_number) values (1, 0, 0);

  -- Both keys in all their versions, wrapped by the root key.
  create table if not exists vault_keys (
    kind text not null check (kind in ('vault', 'hmac')),
    version integer not null,
    wrapped_key text not null,
    primary key (kind, version)
  ) strict;

  -- One row a natural id. An erased id stays as a tombstone, so that first sight cannot bring the person back.
  create table if not exists subjects (
    natural_id_hmac blob primary key,
    hmac_version integer not null,
    state text not null check (state in ('known', 'erased')),
    subject_id text check ((subject_id is null) = (state = 'erased'))
  ) strict, without rowid;

  create table if not exists subject_keys (
    subject_id text primary key,
    vault_key_version integer not null,
    wrapped_key text not null
  ) strict, without rowid;

  -- One row a subject, sealed under its data key; as_of in milliseconds. Several subjects may share an e-mail.
  create table if not exists users_pii (
    subject_id text primary key,
    sealed_fields text not null,
    email_hmac blob,
    hmac_version integer not null,
    as_of integer not null
  ) strict, without rowid;
  create index if not exists users_pii_by_email on users_pii (email_hmac);

  create table if not exists quarantine_keys (
    day text primary key,
    vault_key_version integer not null,
    wrapped_key text not null
  ) strict, without rowid;
`;

type KeyKind = 'vault' | 'hmac';

interface WrappedKeyRow {
  vault_key_version: number;
  wrapped_key: string;
}

type SubjectRow = ({ state: 'known'; subject_id: string } & WrappedKeyRow) | { state: 'erased' };

export interface SqliteVaultOptions {
  keys: KeyDirectory;
  ledger: SuppressionLedger;
  /** Makes subject ids. */
  ids: Ids;
  /** Says which quarantine keys' time is over. */
  clock: Clock;
  /** How many resolutions are remembered; about 300 bytes each. */
  cacheSize?: number;
}

export class SqliteVault implements Vault {
  readonly #file: SqliteFile;
  readonly #keys: KeyDirectory;
  readonly #ids: Ids;
  readonly #clock: Clock;
  readonly #ledger: SuppressionLedger;
  /** HMACs of the ledger's entries up to `#ledgerNumber`. */
  readonly #suppressed = new Set<string>();
  #ledgerNumber = 0;
  /** Names that the ledger suppresses and that this vault, restored from a backup, may still know. */
  readonly #unfenced = new Set<string>();
  /** Resolutions by the name of the natural id. */
  readonly #cache: RecentlyUsed<Resolution>;
  /** The epoch for which the cache and the keys hold. */
  #epoch = -1;
  /** The versions of each key, newest first. */
  #vaultKeys: VersionedKey[] = [];
  #hmacKeys: VersionedKey[] = [];

  constructor(path: string, options: SqliteVaultOptions) {
    this.#keys = options.keys;
    this.#ids = options.ids;
    this.#clock = options.clock;
    this.#ledger = options.ledger;
    this.#cache = new RecentlyUsed(options.cacheSize ?? 100_000);
    this.#file = new SqliteFile(path, { journal: 'delete', schema });
    try {
      this.#file.write(() => {
        if (this.#keysOf('vault').length === 0) this.#addKeys();
        this.#refresh();
        this.#destroyOldQuarantineKeys();
      });
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  async epoch(): Promise<number> {
    await this.#readLedger();
    return this.#read(() => this.#epoch);
  }

  async resolve(ids: NaturalId[]): Promise<Resolution[]> {
    const found = await this.lookUp(ids);
    if (found.every((resolution) => resolution !== undefined)) return found;
    return this.#write(() => ids.map((id) => this.#find(id) ?? this.#create(id)));
  }

  async lookUp(ids: NaturalId[]): Promise<(Resolution | undefined)[]> {
    await this.#readLedger();
    const found = this.#read(() => ids.map((id) => this.#find(id)));
    if (this.#unfenced.size > 0) this.#write(() => this.#fence());
    return found;
  }

  async keepPersonalData(entries: PersonalData[]): Promise<void> {
    this.#write(() => {
      for (const entry of entries) this.#keep(entry);
    });
  }

  async personalData(subjectId: string): Promise<Record<string, string> | undefined> {
    return this.#read(() => {
      const row = this.#file.get<{ sealed_fields: string } & WrappedKeyRow>(
        `select sealed_fields, vault_key_version, wrapped_key
         from users_pii join subject_keys using (subject_id) where subject_id = ?`,
        subjectId,
      );
      if (!row) return undefined;
      return openFields({ subjectId, dataKey: this.#unwrap(row, subjectId) }, row.sealed_fields);
    });
  }

  async quarantineSealingKey(): Promise<{ day: string; key: Uint8Array }> {
    const day = dayOf(this.#clock.now());
    return this.#write(() => {
      const known = this.#quarantineKey(day);
      if (known) return { day, key: known };
      const key = randomBytes(32);
      const { vaultKeyVersion, wrappedKey } = wrapKey(this.#vaultKeys, key, day);
      this.#file.run(
        'insert into quarantine_keys (day, vault_key_version, wrapped_key) values (?, ?, ?)',
        day,
        vaultKeyVersion,
        wrappedKey,
      );
      return { day, key };
    });
  }

  async quarantineOpeningKey(day: string): Promise<Uint8Array | undefined> {
    const problem = quarantineDayProblem(day);
    if (problem !== undefined) throw refusal(problem);
    return this.#write(() => this.#quarantineKey(day));
  }

  /** Adds a new version of the vault key and of the HMAC key, for what is written from now on; the old ones stay in use. */
  rotateKeys(): void {
    this.#write(() => {
      this.#addKeys();
      this.#file.run('update vault_state set epoch = epoch + 1');
    });
  }

  close(): void {
    this.#cache.clear();
    this.#file.close();
  }

  #read<T>(work: () => T): T {
    return this.#file.read(() => {
      this.#refresh();
      return work();
    });
  }

  #write<T>(work: () => T): T {
    try {
      return this.#file.write(() => {
        this.#refresh();
        return work();
      });
    } catch (error) {
      // Subjects that were rolled back must not be remembered.
      this.#cache.clear();
      throw error;
    }
  }

  /** Takes notice of new entries of the ledger: whoever stands there is suppressed, whatever this vault remembers. */
  async #readLedger(): Promise<void> {
    const entries = await this.#ledger.entries(this.#ledgerNumber);
    if (entries.length === 0) return;
    for (const { hmac: suppressed } of entries) this.#suppressed.add(suppressed);
    this.#ledgerNumber = entries.at(-1)!.number;
    this.#write(() => {
      this.#file.run(
        'update vault_state set ledger_number = ?, epoch = epoch + 1 where ledger_number < ?',
        this.#ledgerNumber,
        this.#ledgerNumber,
      );
      this.#cache.clear();
    });
  }

  /** Forgets what was remembered under another epoch: an erasure or new keys, by whichever process, take effect here. */
  #refresh(): void {
    const { epoch } = this.#file.get<{ epoch: number }>('select epoch from vault_state')!;
    if (epoch === this.#epoch) return;
    this.#cache.clear();
    this.#vaultKeys = this.#keysOf('vault');
    this.#hmacKeys = this.#keysOf('hmac');
    this.#epoch = epoch;
  }

  #find(id: NaturalId): Resolution | undefined {
    const name = nameOf(id);
    const resolution = this.#cache.get(name) ?? this.#findSuppressed(id, name) ?? this.#findStored(name);
    if (resolution) this.#cache.set(name, resolution);
    return resolution;
  }

  #findSuppressed(id: NaturalId, name: string): Resolution | undefined {
    if (this.#suppressed.size === 0 || !this.#suppressed.has(this.#ledger.hmacOf(id))) return undefined;
    this.#unfenced.add(name);
    return { state: 'suppressed' };
  }

  /** Puts tombstones in place of the mappings that the ledger suppresses, and drops key and personal data. */
  #fence(): void {
    for (const name of this.#unfenced) {
      for (const { key } of this.#hmacKeys) {
        const sql = `select subject_id from subjects where natural_id_hmac = ? and state = 'known'`;
        const row = this.#file.get<{ subject_id: string }>(sql, lookUpValue(key, name));
        if (!row) continue;
        this.#file.run(`update subjects set state = 'erased', subject_id = null where subject_id = ?`, row.subject_id);
        this.#file.run('delete from subject_keys where subject_id = ?', row.subject_id);
        this.#file.run('delete from users_pii where subject_id = ?', row.subject_id);
      }
    }
    this.#unfenced.clear();
  }

  #findStored(name: string): Resolution | undefined {
    for (const { key } of this.#hmacKeys) {
      const row = this.#file.get<SubjectRow>(
        `select state, subject_id, vault_key_version, wrapped_key
         from subjects left join subject_keys using (subject_id) where natural_id_hmac = ?`,
        lookUpValue(key, name),
      );
      if (row?.state === 'erased') return { state: 'suppressed' };
      if (row) return { state: 'known', subject: subjectWith(row.subject_id, () => this.#unwrap(row, row.subject_id)) };
    }
    return undefined;
  }

  /** Only within a write, behind a `#find` that found nothing: no other process can create the same id in between. */
  #create(id: NaturalId): Resolution {
    const name = nameOf(id);
    const { version, key } = this.#hmacKeys[0]!;
    const subject = { subjectId: this.#ids.uuid(), dataKey: randomBytes(32) };
    const { vaultKeyVersion, wrappedKey } = wrapKey(this.#vaultKeys, subject.dataKey, subject.subjectId);
    this.#file.run(
      `insert into subjects (natural_id_hmac, hmac_version, state, subject_id) values (?, ?, 'known', ?)`,
      lookUpValue(key, name),
      version,
      subject.subjectId,
    );
    this.#file.run(
      'insert into subject_keys (subject_id, vault_key_version, wrapped_key) values (?, ?, ?)',
      subject.subjectId,
      vaultKeyVersion,
      wrappedKey,
    );
    const resolution: Resolution = { state: 'known', subject };
    this.#cache.set(name, resolution);
    return resolution;
  }

  /** Keeps nothing of a subject without a key: it was erased while its data were on the way. */
  #keep({ subject, fields, asOf }: PersonalData): void {
    const { version, key } = this.#hmacKeys[0]!;
    this.#file.run(
      `insert into users_pii (subject_id, sealed_fields, email_hmac, hmac_version, as_of)
       select subject_id, ?, ?, ?, ? from subject_keys where subject_id = ?
       on conflict (subject_id) do update
       set (sealed_fields, email_hmac, hmac_version, as_of)
         = (excluded.sealed_fields, excluded.email_hmac, excluded.hmac_version, excluded.as_of)
       where excluded.as_of >= users_pii.as_of`,
      sealFields(subject, fields),
      fields.email === undefined ? null : lookUpValue(key, emailName(fields.email)),
      version,
      asOf.getTime(),
      subject.subjectId,
    );
  }

  #quarantineKey(day: string): Uint8Array | undefined {
    this.#destroyOldQuarantineKeys();
    const sql = 'select vault_key_version, wrapped_key from quarantine_keys where day = ?';
    const row = this.#file.get<WrappedKeyRow>(sql, day);
    return row && this.#unwrap(row, day);
  }

  #destroyOldQuarantineKeys(): void {
    this.#file.run('delete from quarantine_keys where day < ?', oldestQuarantineDay(this.#clock.now()));
  }

  #unwrap({ vault_key_version, wrapped_key }: WrappedKeyRow, owner: string): Uint8Array {
    return unwrapKey(this.#vaultKeys, { vaultKeyVersion: vault_key_version, wrappedKey: wrapped_key }, owner);
  }

  #keysOf(kind: KeyKind): VersionedKey[] {
    const rows = this.#file.all<{ version: number; wrapped_key: string }>(
      'select version, wrapped_key from vault_keys where kind = ? order by version desc',
      kind,
    );
    return rows.map(({ version, wrapped_key }) => ({
      version,
      key: this.#keys.unwrap(wrapped_key, keyName(kind, version)),
    }));
  }

  #addKeys(): void {
    for (const kind of ['vault', 'hmac'] as const) {
      const version = (this.#keysOf(kind)[0]?.version ?? 0) + 1;
      const wrapped = this.#keys.wrap(randomBytes(32), keyName(kind, version));
      this.#file.run('insert into vault_keys (kind, version, wrapped_key) values (?, ?, ?)', kind, version, wrapped);
    }
  }
}

function keyName(kind: KeyKind, version: number): string {
  return `${kind} key ${version}`;
}

/**
 * Two hundred canary persons come in at both doors, their data hidden wherever personal data may hide. Afterwards they are
 * nowhere but, sealed, in the vault; and each privacy rule that is switched off lets them through, so that the search is
 * seen to work.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contracts } from '../../src/contracts/generated/contracts.ts';
import { envelopeLeaves, type Leaf } from '../../src/contracts/index.ts';
import type { PrivacyRule } from '../../src/contracts/model.ts';
import { ingestBatch } from '../../src/flows/ingest-batch.ts';
import { canaries, type GeneratorRequest, generate } from '../../src/generators/index.ts';
import { archiveStream } from '../../src/local/archive-stream.ts';
import { produce } from '../../src/local/produce.ts';
import { RunFailed, runPipeline } from '../../src/local/run-pipeline.ts';
import { c360, temporaryDataDir } from '../support/c360.ts';
import { secretsOf } from '../support/canary-secrets.ts';
import { findDecoded, textsIn } from '../support/decoded-search.ts';
import { doorPlatform } from '../support/door-platform.ts';
import { temporaryDirectories } from '../support/local-stores.ts';

const request: GeneratorRequest = { size: 'tiny', faults: ['personal_data', 'invalid', 'unknown_type'] };
const people = canaries(request);
const files = generate(request).map(({ dataset, name, lines }) => ({ dataset, name, text: [...lines()].join('') }));

const secrets = secretsOf(people);

/** Enough to see that a control finds somebody. */
const secretsOfSome = secretsOf(people.slice(0, 20));

describe('canaries that came in by the commands', () => {
  const { dataDir, remove } = temporaryDataDir();
  const incoming = join(dataDir, '../incoming');
  const printed: string[] = [];

  const run = async (...args: string[]) => {
    const { stdout, stderr } = await c360([...args, '--data-dir', dataDir]);
    printed.push(stdout, stderr);
    return stdout;
  };

  beforeAll(async () => {
    mkdirSync(incoming, { recursive: true });
    for (const { dataset, name, text } of files) {
      writeFileSync(join(incoming, name), text);
      await run(
        dataset === 'events' ? 'validate' : 'upload',
        ...(dataset === 'events' ? [] : [dataset]),
        join(incoming, name),
      );
    }
    // A file whose name is a person, with rows that are refused.
    const named = join(incoming, `${people[0]!.word}.csv`);
    copyFileSync(join(incoming, 'customers.csv'), named);
    writeFileSync(named, `${readFileSync(named, 'utf8')}broken,${people[1]!.email}\n`);
    await run('upload', 'customers', named);
    await run('produce', join(incoming, 'events.jsonl'));
    await run('run');
    for (const command of [['status'], ['doctor'], ['query', '7'], ['snapshots'], ['quarantine', 'list']])
      await run(...command);
    const listed = JSON.parse(await run('quarantine', 'list', '--format', 'json')) as { rows: { id: string }[] };
    for (const { id } of listed.rows.slice(0, 5)) await run('quarantine', 'show', id);
    await run('redrive');
  }, 240_000);

  afterAll(remove);

  test('are nowhere under the data directory, not even in the vault in the clear', async () => {
    expect(await findDecoded(dataDir, secrets)).toEqual([]);
  }, 120_000);

  test('are in nothing that was printed', () => {
    expect(printed.join('').length).toBeGreaterThan(2000);
    expect(textsIn(Buffer.from(printed.join('\n')), secrets)).toEqual([]);
  });
});

describe('the search', () => {
  const newDirectory = temporaryDirectories();

  /** Brings the canaries in and through a run; returns how it ended, and where in the lake or the warehouse their secrets stand. */
  async function foundAfterRun(): Promise<{ run: string; places: string[] }> {
    const platform = doorPlatform(newDirectory(), '2026-11-01T10:00:00Z');
    try {
      for (const { dataset, text } of files) {
        if (dataset === 'events') {
          await produce(
            platform.env,
            'events',
            text
              .trimEnd()
              .split('\n')
              .map((line) => Buffer.from(line)),
          );
          await archiveStream(platform.env);
        } else await ingestBatch(platform.env)(await platform.land(dataset, text));
      }
      const run = await runPipeline(platform.env).then(
        ({ status }) => status,
        (error: unknown) => {
          if (error instanceof RunFailed) return 'stopped by its gate';
          throw error;
        },
      );
      const finds = await findDecoded(platform.paths.dataDir, secretsOfSome, ['vault/']);
      return { run, places: [...new Set(finds.map(({ file }) => file.split('/').slice(0, 2).join('/')))].sort() };
    } finally {
      platform.close();
    }
  }

  /** Runs the work with every leaf of one rule kept as it is. */
  async function withRuleOff<T>(rule: PrivacyRule, work: () => Promise<T>): Promise<T> {
    const leaves: Leaf[] = [...contracts.flatMap((contract) => contract.leaves), ...envelopeLeaves].filter(
      (leaf) => leaf.privacy === rule,
    );
    const types = leaves.map(({ type }) => type);
    for (const leaf of leaves)
      Object.assign(leaf, { privacy: 'keep', type: leaf.type === 'DATE' ? 'DATE' : 'VARCHAR' });
    try {
      return await work();
    } finally {
      for (const [index, leaf] of leaves.entries()) Object.assign(leaf, { privacy: rule, type: types[index] });
    }
  }

  test('finds all canaries in landing before they are ingested', async () => {
    const platform = doorPlatform(newDirectory());
    for (const { dataset, text } of files) await platform.env.objects.put(`landing/${dataset}/file`, Buffer.from(text));
    const finds = await findDecoded(platform.paths.dataDir, secrets);
    expect(new Set(finds.map(({ text }) => text)).size).toBe(secrets.length);
    platform.close();
  });

  test('finds nobody behind the doors with all rules on', async () => {
    expect(await foundAfterRun()).toEqual({ run: 'succeeded', places: [] });
  }, 60_000);

  test.each<PrivacyRule>(['natural_id', 'truncate_ip', 'coarsen_device', 'scrub', 'coarsen_date', 'seal', 'vault'])(
    'finds canaries in the lake where the rule %s is switched off',
    async (rule) => {
      const { run, places } = await withRuleOff(rule, foundAfterRun);
      expect(places).toContain('lake/raw');
      // That ids are pseudonyms is a check of the clean layer, too.
      expect(run).toBe(rule === 'natural_id' ? 'stopped by its gate' : 'succeeded');
    },
    60_000,
  );

  test('covers every rule that a shipped contract uses', () => {
    const used = new Set(contracts.flatMap(({ leaves }) => leaves.map(({ privacy }) => privacy)));
    expect([...used].sort()).toEqual([
      'coarsen_date',
      'coarsen_device',
      'keep',
      'natural_id',
      'scrub',
      'seal',
      'truncate_ip',
      'vault',
    ]);
  });
});

/** What nobody repaired in time is gone for good, counted as expired, and each command says so. */
import { archiveEvents } from '../../../src/flows/archive-events.ts';
import { quarantineId } from '../../../src/flows/quarantine.ts';
import { c360 } from '../../support/c360.ts';
import { doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';

const origin = { source_shard: 'shardId-000000000000', source_sequence: '1' };
const id = quarantineId('events', origin);
const newDirectory = temporaryDirectories();
let dataDir: string;

beforeAll(async () => {
  // Long before the system's clock, by which the commands go.
  const platform = doorPlatform(newDirectory(), '2026-03-01T10:00:00Z');
  dataDir = platform.paths.dataDir;
  const { source_shard: shard, source_sequence: sequence } = origin;
  const [arrivedAt, data] = [platform.clock.now(), Buffer.from('{"type":')];
  await archiveEvents(platform.env)([{ shard, sequence, partitionKey: 'key', arrivedAt, data }]);
  platform.close();
});

const told = async (...args: string[]) => {
  const { code, stdout, stderr } = await c360([...args, '--data-dir', dataDir]);
  return { code, text: stdout + stderr };
};

/** Commands that read find it gone, whether its object has been deleted or not. */
const readsAsExpired = () => {
  test('status counts it as expired and adds up', async () => {
    const { code, text } = await told('status');
    expect([code, text]).toEqual([0, expect.stringMatching(/expired[\s\S]*events +yes +1 +0 +0 +1 /)]);
  });

  test('no list shows it, and the doctor counts none', async () => {
    expect((await told('quarantine', 'list')).text).toBe('  no rows\n');
    expect((await told('doctor')).text).toMatch(/quarantine +nothing left/);
  });
};

describe('while its object is still there', () => {
  readsAsExpired();

  test('show says that it is expired and what to do', async () => {
    const { code, text } = await told('quarantine', 'show', id);
    expect([code, text]).toEqual([0, expect.stringMatching(/state: expired\nwhatToDo: have it sent again/)]);
  });
});

describe('once a command that writes has deleted its object', () => {
  beforeAll(async () => {
    const { code, text } = await told('redrive');
    expect([code, text]).toEqual([
      0,
      expect.stringContaining('Deleted from quarantine, not repaired within 21 days: 1 objects.'),
    ]);
  });

  readsAsExpired();

  test('show and redrive say that records are kept 21 days', async () => {
    for (const args of [
      ['quarantine', 'show', id],
      ['redrive', '--id', id],
    ]) {
      const { code, text } = await told(...args);
      expect([code, text]).toEqual([1, expect.stringMatching(/shows the ids, and records are kept 21 days/)]);
      expect(text).not.toContain('Deleted');
    }
  });
});

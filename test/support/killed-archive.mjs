// Archives the stream of a data directory in a process of its own, and kills it at its n-th call of a port, before the
// call does its work or (n below 0) after.
import { archiveEventSource } from '../../src/domain/stream/event-source-settings.ts';
import { archiveStream } from '../../src/local/archive-stream.ts';
import { openPlatform } from '../../src/local/platform.ts';
import { intercept } from './stream.ts';

const [dataDir, killAt] = process.argv.slice(2);
// At the time at which the test put the records, or they would be too old for the archive.
const clock = { now: () => new Date('2026-03-01T11:00:00Z') };
const platform = openPlatform({ dataDir, access: 'write', clock });
const kill = () => process.kill(process.pid, 'SIGKILL');
let calls = 0;
const env = intercept(platform.env, async (_port, _method, call) => {
  calls += 1;
  const number = calls;
  if (number === Number(killAt)) kill();
  const result = await call();
  if (number === -Number(killAt)) kill();
  return result;
});
// Small batches, so that there are many to be killed in.
await archiveStream(env, { settings: { ...archiveEventSource, batchSize: 1000 } });
platform.close();

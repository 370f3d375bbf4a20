/** The `produce` command: its pace, and how bytes travel. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { c360, temporaryDataDir } from '../../support/c360.ts';
import { eventsOf } from '../../support/stream.ts';

let directory: ReturnType<typeof temporaryDataDir>;
let file: string;
beforeEach(() => {
  directory = temporaryDataDir();
  file = join(directory.dataDir, '../events.jsonl');
});
afterEach(() => directory.remove());

const produce = (...args: string[]) =>
  c360(['produce', file, '--data-dir', directory.dataDir, '--format', 'json', ...args]);

test('produces at a pace for a time, archives meanwhile, and goes on the next time', async () => {
  writeFileSync(file, Buffer.concat(eventsOf(0, 40).flatMap((event) => [event, Buffer.from('\n')])));
  const started = performance.now();
  const first = await produce('--rate', '10', '--for', '2s');
  expect([first.code, JSON.parse(first.stdout)]).toMatchObject([0, { sent: 20, received: 20, raw: 20 }]);
  expect(performance.now() - started).toBeGreaterThan(1900);
  const rest = await produce();
  expect([rest.code, JSON.parse(rest.stdout)]).toMatchObject([0, { sent: 20, received: 20, raw: 20 }]);
});

test('takes the lines as they are: a line separator of Unicode in a text, bytes that are no UTF-8', async () => {
  const [event] = eventsOf(0, 1);
  const spaced = Buffer.from(event!.toString().replace('"userId"', '"note":"a\u2028b","userId"'));
  writeFileSync(file, Buffer.concat([spaced, Buffer.from([10, 0x7b, 0xff, 0x7d, 10])]));
  const { code, stdout } = await produce();
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { sent: 2, received: 2, raw: 1, quarantined: 1 }]);
});

test.each([
  [['--rate', '0'], /option '--rate <records>' argument '0' is invalid. It must be a number of records a second/],
  [['--rate', 'fast'], /argument 'fast' is invalid/],
  [['--for', '5'], /argument '5' is invalid. It must be a whole number of seconds, minutes or hours/],
  [['--for', '0s'], /argument '0s' is invalid/],
  [['--for', 'm'], /argument 'm' is invalid/],
])('refuses %j', async (args, message) => {
  writeFileSync(file, '');
  const { code, stdout, stderr } = await produce(...args);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(message);
});

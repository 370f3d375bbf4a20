import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { FileAlerts } from '../../../../src/adapters/local/file-alerts.ts';
import type { Alert } from '../../../../src/ports.ts';
import { alertsContract } from '../../../contracts/alerts.ts';
import { temporaryDirectories } from '../../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
const alert: Alert = {
  id: 'a',
  severity: 'warning',
  subject: 'Rows were refused',
  text: 'By range.\nSee c360 quality.',
};
const clock = { now: () => new Date('2026-01-02T03:04:05Z') };

alertsContract('a file', async () => {
  const file = join(newDirectory(), 'alerts.jsonl');
  let now = Date.parse('2026-01-02T03:04:05Z');
  const beside = () => new FileAlerts({ file, show: () => {}, clock: { now: () => new Date(now) } });
  const told = async () => {
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
    return lines.map((line) => JSON.parse(line)).map(({ severity, subject, text }) => ({ severity, subject, text }));
  };
  const advance = (milliseconds: number) => {
    now += milliseconds;
  };
  return { alerts: beside(), beside, advance, told, close: () => {} };
});

test('an alert is shown, and kept with its time and id', async () => {
  const file = join(newDirectory(), 'alerts.jsonl');
  const shown: string[] = [];
  await new FileAlerts({ file, show: (line) => shown.push(line), clock }).send(alert);
  expect(shown).toEqual(['WARNING: Rows were refused\n  By range.\n  See c360 quality.']);
  expect(readFileSync(file, 'utf8')).toBe(`${JSON.stringify({ at: '2026-01-02T03:04:05.000Z', ...alert })}\n`);
});

test('a line that was cut off spoils none of the others', async () => {
  const file = join(newDirectory(), 'alerts.jsonl');
  const alerts = new FileAlerts({ file, show: () => {}, clock });
  await alerts.send(alert);
  appendFileSync(file, '{"at": "2026-');
  await alerts.send({ ...alert, id: 'b' });
  await alerts.send(alert);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect([lines.length, JSON.parse(lines[2]!).id]).toEqual([3, 'b']);
});

describe('Slack', () => {
  /** Answers with the status, and keeps what it was sent. */
  async function slack(status: number) {
    const messages: unknown[] = [];
    const server = createServer((request, response) => {
      request.setEncoding('utf8').once('data', (body) => messages.push(JSON.parse(body)));
      request.once('end', () => response.writeHead(status).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/secret`;
    const close = () => new Promise((resolve) => server.close(resolve));
    return { messages, url, close };
  }
  const sendTo = async (slackWebhookUrl: string) => {
    const file = join(newDirectory(), 'alerts.jsonl');
    const shown: string[] = [];
    const alerts = new FileAlerts({ file, show: (line) => shown.push(line), clock, slackWebhookUrl });
    for (let times = 0; times < 2; times += 1) await alerts.send(alert);
    return { shown, kept: readFileSync(file, 'utf8').trimEnd().split('\n').length };
  };

  test('is told once', async () => {
    const { messages, url, close } = await slack(200);
    const { shown, kept } = await sendTo(url);
    expect(messages).toEqual([{ text: '*warning: Rows were refused*\nBy range.\nSee c360 quality.' }]);
    expect([shown.length, kept]).toEqual([1, 1]);
    await close();
  });

  test.each([
    ['refuses', true, 'it answered HTTP 403'],
    ['is gone', false, 'it could not be reached'],
  ])('that %s holds up nothing, is told of, and its address is not shown', async (_, isThere, why) => {
    const { url, close } = await slack(403);
    if (!isThere) await close();
    const { shown, kept } = await sendTo(url);
    expect(shown[1]).toBe(`  Slack was not told: ${why}; see alerts.slackWebhookUrl in the settings`);
    expect(shown.join('\n')).not.toContain('secret');
    expect(kept).toBe(1);
    if (isThere) await close();
  });
});

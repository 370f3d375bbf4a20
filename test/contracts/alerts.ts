/** What every Alerts promises. */
import { AdapterError, type Alert, type Alerts } from '../../src/ports.ts';
import { rejection } from '../support/faulty-aws.ts';

export interface AlertsUnderTest {
  alerts: Alerts;
  /** The same alerts as another process opens them, with nothing in memory. */
  beside(): Alerts;
  /** Moves the clock on. */
  advance(milliseconds: number): void;
  /** What people were told, in order. */
  told(): Promise<Pick<Alert, 'severity' | 'subject' | 'text'>[]>;
  close(): Promise<void> | void;
}

const day = 86_400_000;

export function alertsContract(name: string, make: () => Promise<AlertsUnderTest>): void {
  describe(`${name} as alerts`, () => {
    let made: AlertsUnderTest;
    let alerts: Alerts;

    beforeEach(async () => {
      made = await make();
      alerts = made.alerts;
    });
    afterEach(() => made.close());

    const failed: Alert = {
      id: 'run 1',
      severity: 'critical',
      subject: 'A run failed',
      text: 'At the load.\nRun again.',
    };
    const toldOf = ({ severity, subject, text }: Alert) => ({ severity, subject, text });

    test('tells what it is given, with its severity', async () => {
      const others: Alert[] = [
        { id: 'a', severity: 'info', subject: 'Rows were refused', text: '12 rows: ünïcode, "quotes"' },
        { id: 'b', severity: 'warning', subject: '!', text: 'x' },
      ];
      for (const alert of [failed, ...others]) await alerts.send(alert);
      expect(await made.told()).toEqual([failed, ...others].map(toldOf));
    });

    test('tells an alert once by its id, whatever else it says and whoever sends it', async () => {
      await alerts.send(failed);
      await alerts.send({ ...failed, text: 'Otherwise.' });
      await made.beside().send(failed);
      expect(await made.told()).toEqual([toldOf(failed)]);
      await alerts.send({ ...failed, id: 'run 2' });
      expect(await made.told()).toEqual([toldOf(failed), toldOf(failed)]);
    });

    test('remembers an id for 30 days', async () => {
      await alerts.send(failed);
      made.advance(30 * day - 1000);
      await alerts.send(failed);
      expect(await made.told()).toHaveLength(1);
      made.advance(2000);
      await alerts.send(failed);
      expect(await made.told()).toHaveLength(2);
    });

    test.each<[what: string, change: Partial<Alert>, problem: RegExp]>([
      ['without an id', { id: '' }, /id has 1 to 256 characters, got 0/],
      ['with a long id', { id: 'é'.repeat(257) }, /id has 1 to 256 characters, got 257/],
      ['without a subject', { subject: '' }, /subject has 1 to 99 .*, got ""/],
      ['with a long subject', { subject: 'x'.repeat(100) }, /subject has 1 to 99/],
      ['with a subject of two lines', { subject: 'a\nb' }, /subject has 1 to 99 .*, got "a\\nb"/],
      ['with a subject outside ASCII', { subject: 'Größe' }, /printable characters of ASCII/],
      ['with a subject that begins with a blank', { subject: ' a' }, /begins with no blank/],
      ['without a text', { text: '' }, /text has 1 to 256,000 bytes, got 0/],
      ['with a long text', { text: 'é'.repeat(128_001) }, /text has 1 to 256,000 bytes, got 256002/],
    ])('refuses an alert %s, and tells nobody', async (_, change, problem) => {
      const error = await rejection(alerts.send({ ...failed, ...change }));
      expect(error).toBeInstanceOf(AdapterError);
      expect(error).toMatchObject({ retryable: false, message: expect.stringMatching(problem) });
      expect(await made.told()).toEqual([]);
    });

    test('takes what is just within its limits', async () => {
      const alert: Alert = {
        id: 'é'.repeat(256),
        severity: 'info',
        subject: 'x'.repeat(99),
        text: 'é'.repeat(128_000),
      };
      await alerts.send(alert);
      expect(await made.told()).toEqual([toldOf(alert)]);
    });
  });
}

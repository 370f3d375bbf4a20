/** Alerts as a line for who watches, a line of JSON in a file, and where it is set a message in Slack. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { alertMemoryMs, alertProblem } from '../../domain/limits/alert.ts';
import type { Alert, Alerts, Clock } from '../../ports.ts';
import { writing } from './full-disk.ts';
import { refusal } from './refusal.ts';

export interface FileAlertsOptions {
  /** `alerts.jsonl`: one alert a line, with the time at which it was told. */
  file: string;
  /** Shows a line to whoever watches. */
  show: (line: string) => void;
  clock: Clock;
  /** Where Slack takes messages for a channel. Who knows the address may write there: it is never shown. */
  slackWebhookUrl?: string;
}

const longestPostMs = 5_000;

export class FileAlerts implements Alerts {
  readonly #options: FileAlertsOptions;

  constructor(options: FileAlertsOptions) {
    this.#options = options;
  }

  async send(alert: Alert): Promise<void> {
    const problem = alertProblem(alert);
    if (problem) throw refusal(problem);
    const { file, show, clock } = this.#options;
    const now = clock.now();
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const told = text.split('\n').map(toldAlert);
    if (told.some((one) => one?.id === alert.id && now.getTime() - Date.parse(one.at) < alertMemoryMs)) return;
    show(`${alert.severity.toUpperCase()}: ${alert.subject}\n${indented(alert.text)}`);
    await this.#post(alert);
    // What a process that was killed had begun to write does not spoil the next line.
    const start = text === '' || text.endsWith('\n') ? '' : '\n';
    const line = JSON.stringify({ at: now.toISOString(), ...alert });
    writing(file, () => appendFileSync(file, `${start}${line}\n`));
  }

  /** The file is what counts: a chat that cannot be reached is told, and holds up nothing. */
  async #post({ severity, subject, text }: Alert): Promise<void> {
    const { slackWebhookUrl, show } = this.#options;
    if (!slackWebhookUrl) return;
    const answered = await fetch(slackWebhookUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: `*${severity}: ${subject}*\n${text}` }),
      signal: AbortSignal.timeout(longestPostMs),
    }).then(
      ({ ok, status }) => (ok ? undefined : `it answered HTTP ${status}`),
      () => 'it could not be reached',
    );
    if (answered) show(`  Slack was not told: ${answered}; see alerts.slackWebhookUrl in the settings`);
  }
}

const indented = (text: string): string => text.replace(/^/gm, '  ');

function toldAlert(line: string): { id: string; at: string } | undefined {
  try {
    return JSON.parse(line) as { id: string; at: string };
  } catch {
    return undefined;
  }
}

/** Answers CloudFormation, which waits for a custom resource until it hears of it. */
import { AdapterError, type Timer } from '../../ports.ts';
import { retrying, systemTimer } from './retry.ts';

/**
 * Puts the answer at the address that CloudFormation has sent. AdapterError where that fails each of eight times; the
 * address lets whoever has it answer, so that it stands in no error.
 */
export async function putAnswer(url: string, answer: object, timer: Timer = systemTimer): Promise<void> {
  const body = JSON.stringify(answer);
  await retrying(timer, async () => {
    // S3 has signed the address without a content type.
    const response = await fetch(url, {
      method: 'PUT',
      body: Buffer.from(body),
      headers: { 'content-type': '' },
    }).catch(() => undefined);
    if (response?.ok) return { value: undefined };
    const status = response ? `HTTP ${response.status}` : 'no connection';
    return { again: new AdapterError(`CloudFormation takes no answer: ${status}`, { retryable: true }) };
  });
}

import { AdapterError } from '../../ports.ts';

/** An AdapterError that repeating the call will not cure. */
export function refusal(message: string, cause?: unknown): AdapterError {
  return new AdapterError(message, { retryable: false, cause });
}

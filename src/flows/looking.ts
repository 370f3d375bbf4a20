/** Looking again and again at what somebody else does. */
import { AdapterError, type Timer } from '../ports.ts';

const betweenLooksMs = 2000;
/** What is waited for takes longer than a connection may be away. */
const mostFailures = 10;

/**
 * Looks every two seconds, until `judge` says of what was found what has come of it. A look that fails and may succeed later
 * is passed over; after ten of those in a row, or another error, it throws.
 */
export async function lookUntil<Found, Result>(
  timer: Timer,
  look: () => Promise<Found>,
  judge: (found: Found) => Result | undefined,
): Promise<Result> {
  for (let failures = 0; ; await timer.sleep(betweenLooksMs)) {
    const found = await look().catch((error: unknown) => {
      failures += 1;
      if (failures === mostFailures || !(error instanceof AdapterError && error.retryable)) throw error;
      return undefined;
    });
    if (found === undefined) continue;
    failures = 0;
    const result = judge(found);
    if (result !== undefined) return result;
  }
}

/** What a person is told of an error. */
import { AwsError } from '../adapters/aws/errors.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import { SnapshotTaken } from '../flows/publish-snapshot.ts';
import { RunLocked } from '../flows/run-lock.ts';
import { GeneratorOptionError } from '../generators/index.ts';
import { RunFailed } from '../local/run-pipeline.ts';
import { AdapterError, EngineError } from '../ports.ts';

/** Failures that a person can act on are told in a line; all others are faults of the platform and keep their stack. */
const expected = [RefusedInput, AdapterError, EngineError, SnapshotTaken, RunLocked, RunFailed, GeneratorOptionError];

/** What the file system refuses, by the code of its error. */
const refusals: Record<string, string> = {
  EACCES: 'this user may not read or write it; give the right, or choose another place (--data-dir, --key-dir, --out)',
  EPERM: 'this user may not change it; give the right, or choose another place (--data-dir, --key-dir, --out)',
  EROFS: 'it lies on a read-only file system; choose another place (--data-dir, --key-dir, --out)',
  ENOSPC: 'no space is left on the disk; free some and run the command again',
  EDQUOT: 'no space is left to this user on the disk; free some and run the command again',
};

/** What to do about what AWS refuses, by its name of the error. */
const onAws: [RegExp, string][] = [
  [
    /^(CredentialsProviderError|TokenProviderError)$/,
    'no credentials were found, or their session is over; `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  ],
  [/Expired|^TokenRefreshRequired$/, 'the credentials have expired; `aws sso login`, or take new ones'],
  [
    /^(UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature)/,
    'AWS does not know these credentials; check AWS_PROFILE and the keys that are set (aws sts get-caller-identity)',
  ],
  [/^RequestTimeTooSkewed$/, 'the clock of this machine is wrong; set it'],
  [
    /AccessDenied|^Forbidden$|NotAuthorized|^UnauthorizedOperation$/,
    'this identity has no right to it; `aws sts get-caller-identity` tells which it is; use another AWS_PROFILE, or have the right given',
  ],
  [
    /Throttl|SlowDown|TooManyRequests|ThroughputExceeded|LimitExceeded/,
    'AWS asks for fewer requests; run the command again in a moment',
  ],
  [
    /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|TimeoutError)$/,
    'AWS could not be reached; check the network and the region (AWS_REGION), and run the command again',
  ],
];

/** What an expected failure says, and where AWS is at fault what to do about it. */
function toldOf(error: Error): string {
  const wayOut = error instanceof AwsError && onAws.find(([code]) => code.test(error.code))?.[1];
  return wayOut ? `${error.message}: ${wayOut}` : error.message;
}

/** A line where there is something to do about it, else the stack. */
export function lineOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isExpected = expected.some((kind) => error instanceof kind);
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    // Where there is no path, the message of an expected failure says what it was about.
    const { code = '', path = isExpected ? undefined : code } = cause as NodeJS.ErrnoException;
    if (path !== undefined && refusals[code]) return `${path}: ${refusals[code]}`;
  }
  return isExpected ? toldOf(error) : String(error.stack);
}

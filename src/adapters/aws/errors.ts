/** AWS' errors as AdapterErrors. */
import { AdapterError } from '../../ports.ts';

/** Names under which AWS says: later, or slower. */
const passingNames =
  /Throttl|SlowDown|TooManyRequests|ThroughputExceeded|LimitExceeded|TransactionConflict|ActiveStatementsExceeded|ActiveSessionsExceeded|ActiveWaitingRequestsExceeded|DatabaseConnection|InProgress|Timeout|Unavailable|InternalError|InternalFailure|InternalServ|InternalException|KeyUnavailable|ConditionalRequestConflict|OperationAborted/;

/** Codes of Node.js for a connection that could not be made, or broke. */
const passingCodes = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  // A machine that has lost its network, such as a laptop on its way.
  'ENOTFOUND',
  'ERR_STREAM_PREMATURE_CLOSE',
];

interface ForeignError {
  name?: string;
  code?: string;
  $metadata?: { httpStatusCode?: number; requestId?: string; attempts?: number };
}

/** A call that AWS refused, or that never reached it. */
export class AwsError extends AdapterError {
  /** AWS' name of the error, or Node.js' code. */
  readonly code: string;

  constructor(message: string, options: { retryable: boolean; code: string }) {
    super(message, options);
    this.code = options.code;
  }
}

/** An AdapterError that repeating the call will not cure. */
export function refusal(message: string): AdapterError {
  return new AdapterError(message, { retryable: false });
}

/**
 * What a failed call becomes. The error itself is not kept as the cause: AWS' messages quote what was sent, and so do
 * those of a response that could not be parsed.
 */
export function adapterError(what: string, error: unknown): AdapterError {
  if (error instanceof AdapterError) return error;
  const { $metadata: { httpStatusCode: status, requestId } = {} } = error as ForeignError;
  const details = [status !== undefined && `HTTP ${status}`, requestId && `request ${requestId}`].filter(Boolean);
  const suffix = details.length > 0 ? ` (${details.join(', ')})` : '';
  const code = errorCode(error);
  return new AwsError(`${what} failed with ${code}${suffix}`, { retryable: mayPass(error), code });
}

/** AWS' name of the error, or Node.js' code. */
export function errorCode(error: unknown): string {
  const { name, code } = error as ForeignError;
  const known = name === undefined || name === 'Error' || name === 'SyntaxError' ? (code ?? name) : name;
  // A name can come from the response: only what looks like one is repeated.
  return known !== undefined && /^[\w.]{1,80}$/.test(known) ? known : 'an unknown error';
}

/** The HTTP status of AWS' answer; undefined where there was none. */
export function httpStatus(error: unknown): number | undefined {
  return (error as ForeignError).$metadata?.httpStatusCode;
}

/** How often the client sent the request before it gave this error. */
export function attemptsOf(error: unknown): number {
  return (error as ForeignError).$metadata?.attempts ?? 1;
}

function mayPass(error: unknown): boolean {
  const { name = '', code = '' } = error as ForeignError;
  const status = httpStatus(error) ?? 0;
  return status >= 500 || status === 429 || passingCodes.includes(code) || passingNames.test(name);
}

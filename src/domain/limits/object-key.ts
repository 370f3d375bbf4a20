/** Which keys an object may have: those that S3 and every common file system can both hold. */

const maxKeyBytes = 1024;
const maxSegmentBytes = 255;

/** The first segment of a key cannot be this name: a directory of objects keeps its unfinished files there. */
export const reservedSegment = '.tmp';

/** What is wrong with the key, or undefined. */
export function objectKeyProblem(key: string): string | undefined {
  const segments = key.split('/');
  const isValid =
    segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..') &&
    segments.every((segment) => Buffer.byteLength(segment) <= maxSegmentBytes) &&
    segments[0] !== reservedSegment &&
    key.isWellFormed() &&
    !/[\\\p{Cc}]/u.test(key) &&
    Buffer.byteLength(key) <= maxKeyBytes;
  if (isValid) return undefined;
  return (
    'a key has at most 1,024 bytes, segments of 1 to 255 bytes that are not . or .., no backslash or control ' +
    `character and does not begin with ${reservedSegment}/, got ${JSON.stringify(key)}`
  );
}

/** What one put to the event stream may hold: the limits of Kinesis' PutRecords, kept on every side of the port. */

const mebibyte = 1024 * 1024;
const maxRecords = 500;
const maxRecordBytes = mebibyte;
const maxPutBytes = 5 * mebibyte;
const maxKeyCharacters = 256;

/** What is wrong with the records as one put, or undefined. */
export function streamPutProblem(records: { partitionKey: string; data: Uint8Array }[]): string | undefined {
  if (records.length > maxRecords) return `a put takes at most ${maxRecords} records, got ${records.length}`;
  let total = 0;
  for (const [position, { partitionKey, data }] of records.entries()) {
    const characters = [...partitionKey].length;
    if (characters < 1 || characters > maxKeyCharacters) {
      return `record ${position}: a partition key has 1 to ${maxKeyCharacters} characters, got ${characters}`;
    }
    const bytes = data.length + Buffer.byteLength(partitionKey);
    if (bytes > maxRecordBytes) {
      return `record ${position}: a record has at most 1 MiB with its key, got ${bytes} bytes`;
    }
    total += bytes;
  }
  return total > maxPutBytes ? `a put takes at most 5 MiB, got ${total} bytes` : undefined;
}

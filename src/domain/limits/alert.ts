/** What an alert may hold: the limits of SNS, and of its e-mails, kept on every side of the port. */

const maxIdCharacters = 256;
const maxTextBytes = 256_000;

/** How long an alert's id is remembered. */
export const alertMemoryMs = 30 * 86_400_000;

/** What is wrong with the alert, or undefined. Its text may be long, and is not repeated. */
export function alertProblem({ id, subject, text }: { id: string; subject: string; text: string }): string | undefined {
  const characters = [...id].length;
  if (characters < 1 || characters > maxIdCharacters) {
    return `an alert's id has 1 to ${maxIdCharacters} characters, got ${characters}`;
  }
  if (!/^[!-~][ -~]{0,98}$/.test(subject)) {
    return `an alert's subject has 1 to 99 printable characters of ASCII and begins with no blank, got ${JSON.stringify(subject)}`;
  }
  const bytes = Buffer.byteLength(text);
  if (bytes < 1 || bytes > maxTextBytes) return `an alert's text has 1 to 256,000 bytes, got ${bytes}`;
  return undefined;
}

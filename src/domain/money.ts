/** Money as decimal text with four places: exact from the door on, and cast once to DECIMAL(18,4) in clean. */

const pattern = /^([+-]?)(\d{1,14})(?:\.(\d+))?$/;

/** One more than the greatest DECIMAL(18,4), in ten-thousandths. */
const limit = 10n ** 18n;

/**
 * The amount as text with exactly four decimals, rounded half away from zero; undefined where it is no decimal number or
 * does not fit DECIMAL(18,4).
 * A JSON number is taken at its shortest decimal form, so 19.99 is 19.9900 and not the nearest binary fraction.
 */
export function moneyText(amount: string | number): string | undefined {
  const match = pattern.exec(typeof amount === 'number' ? plainText(amount) : amount);
  if (!match) return undefined;
  const [, sign, whole, fraction = ''] = match as unknown as [string, string, string, string?];
  let minor = BigInt(whole + fraction.slice(0, 4).padEnd(4, '0'));
  if (fraction.charAt(4) >= '5') minor += 1n;
  return minor < limit ? textOf(sign === '-' ? -minor : minor) : undefined;
}

/** The exact sum of amounts, as text with four decimals. Throws where one of them is no amount. */
export function sumOfMoney(amounts: string[]): string {
  return textOf(amounts.reduce((sum, amount) => sum + tenThousandths(amount), 0n));
}

function tenThousandths(amount: string): bigint {
  const text = moneyText(amount);
  if (text === undefined) throw new Error('an amount must be decimal text that fits DECIMAL(18,4)');
  return BigInt(text.replace('.', ''));
}

function textOf(tenThousandths: bigint): string {
  const isNegative = tenThousandths < 0n;
  const digits = String(isNegative ? -tenThousandths : tenThousandths).padStart(5, '0');
  return `${isNegative ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

/** The number without an exponent; what needs a negative one is below a millionth, and so rounds to zero. */
function plainText(amount: number): string {
  const text = String(amount);
  return text.includes('e-') ? '0' : text;
}

/** Times in the formats of foreign files. */

const tokens: Record<string, [pattern: string, part: number]> = {
  yyyy: ['(\\d{4})', 0],
  MM: ['(\\d{2})', 1],
  dd: ['(\\d{2})', 2],
  HH: ['(\\d{2})', 3],
  mm: ['(\\d{2})', 4],
  ss: ['(\\d{2})', 5],
};

/**
 * A reader for a format made of yyyy, MM, dd, HH, mm, ss and separators: text -> RFC 3339 UTC, or undefined where the text
 * does not fit or names no real moment. What the format leaves out is the beginning of the day.
 */
export function timeReader(format: string): (text: string) => string | undefined {
  const order: number[] = [];
  const pattern = format.replace(/yyyy|MM|dd|HH|mm|ss|[^A-Za-z0-9]/g, (token) => {
    const known = tokens[token];
    if (!known) return `\\${token}`;
    order.push(known[1]);
    return known[0];
  });
  const whole = new RegExp(`^${pattern}$`);
  return (text) => {
    const match = whole.exec(text.trim());
    if (!match) return undefined;
    const parts = [1970, 1, 1, 0, 0, 0];
    order.forEach((part, index) => {
      parts[part] = Number(match[index + 1]);
    });
    const [year, month, day, hour, minute, second] = parts as [number, number, number, number, number, number];
    const time = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
    const isReal = time.getUTCMonth() === month - 1 && time.getUTCDate() === day && time.getUTCHours() === hour;
    return isReal && minute < 60 && second < 60 ? time.toISOString() : undefined;
  };
}

/** True for a format that `timeReader` understands and that names a whole date. */
export function isTimeFormat(format: string): boolean {
  const rest = format.replace(/yyyy|MM|dd|HH|mm|ss|[^A-Za-z0-9]/g, '');
  return rest === '' && ['yyyy', 'MM', 'dd'].every((token) => format.split(token).length === 2);
}

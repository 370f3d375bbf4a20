/** Times in the formats of foreign files. */

const tokens: Record<string, [pattern: string, part: number]> = {
  yyyy: ['(\\d{4})', 0],
  MM: ['(\\d{2})', 1],
  dd: ['(\\d{2})', 2],
  HH: ['(\\d{2})', 3],
  mm: ['(\\d{2})', 4],
  ss: ['(\\d{2})', 5],
};

const token = /yyyy|MM|dd|HH|mm|ss|[TZ]|[^A-Za-z0-9]/g;

/**
 * A reader for a format made of yyyy, MM, dd, HH, mm, ss, T, Z and separators: text -> RFC 3339 UTC, or undefined where
 * the text does not fit or names no real moment. What the format leaves out is the beginning of the day.
 */
export function timeReader(format: string): (text: string) => string | undefined {
  const order: number[] = [];
  const pattern = format.replace(token, (found) => {
    const known = tokens[found];
    if (!known) return found.replace(/[^TZ]/, '\\$&');
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
    return momentOf(parts as [number, number, number, number, number, number]);
  };
}

/** Undefined where a part is out of its range, which JavaScript would carry over, or would take for a year of 19xx. */
function momentOf([year, month, day, hour, minute, second]: [number, number, number, number, number, number]) {
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const isReal =
    time.getUTCFullYear() === year &&
    time.getUTCMonth() === month - 1 &&
    time.getUTCDate() === day &&
    time.getUTCHours() === hour &&
    minute < 60 &&
    second < 60;
  return isReal ? time.toISOString() : undefined;
}

/** True for a format that `timeReader` understands, that names a whole date and no part twice. */
export function isTimeFormat(format: string): boolean {
  const times = (part: string) => format.split(part).length - 1;
  return (
    format.replace(token, '') === '' &&
    ['yyyy', 'MM', 'dd'].every((part) => times(part) === 1) &&
    ['HH', 'mm', 'ss'].every((part) => times(part) <= 1)
  );
}

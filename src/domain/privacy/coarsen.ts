/** Makes values coarser, so that what is left fits many people. */

/** IPv4 to its /24, IPv6 to its /48 network; an IPv4 address inside IPv6 counts as IPv4. */
export function truncateIp(address: string): string {
  if (!address.includes(':')) return `${address.slice(0, address.lastIndexOf('.'))}.0/24`;
  const groups = ipv6Groups(address);
  const embedded = embeddedIpv4(groups);
  if (embedded) return `${embedded[0] >> 8}.${embedded[0] & 255}.${embedded[1] >> 8}.0/24`;
  const network = groups.slice(0, 3).map((group) => group.toString(16));
  return `${network.join(':')}::/48`;
}

/** The IPv4 address in a mapped (::ffff:0:0/96, RFC 4291) or 6to4 address (2002::/16, RFC 3056, where /48 would hold all of it). */
function embeddedIpv4(groups: number[]): [number, number] | undefined {
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return [groups[6]!, groups[7]!];
  return groups[0] === 0x2002 ? [groups[1]!, groups[2]!] : undefined;
}

/** The eight 16-bit groups of a valid IPv6 address. */
function ipv6Groups(address: string): number[] {
  // The URL parser writes every form of an address, a dotted tail included, in one canonical way.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const parse = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const before = parse(head);
  const after = tail === undefined ? [] : parse(tail);
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

/** The first that matches counts: user agents also name what they are compatible with. */
const families: [RegExp, string][] = [
  // Cubot is a maker of phones.
  [/(?<!cu)bot\b|crawl|spider|slurp|headless/i, 'bot'],
  [/smart-?tv|apple ?tv|google ?tv|android tv|hbbtv|roku|webos|\btv\b/i, 'tv'],
  [/ipad|tablet|kindle|silk/i, 'tablet'],
  [/iphone|ipod|^ios\b/i, 'iphone'],
  [/android/i, 'android'],
  [/windows/i, 'windows'],
  [/macintosh|mac os|macos/i, 'mac'],
  [/\bcros\b|chrome ?os/i, 'chromeos'],
  [/linux|x11/i, 'linux'],
  [/mobile|phone/i, 'mobile'],
  [/desktop|laptop/i, 'desktop'],
];

/** Families of the devices seen last: a few thousand user agents make most of the traffic. */
const knownFamilies = new Map<string, string>();
const mostKnownFamilies = 2000;

/** The family of a device or user agent: one of a dozen words. */
export function deviceFamily(device: string): string {
  const known = knownFamilies.get(device);
  if (known) return known;
  const family = families.find(([pattern]) => pattern.test(device))?.[1] ?? 'other';
  if (knownFamilies.size >= mostKnownFamilies) knownFamilies.clear();
  knownFamilies.set(device, family);
  return family;
}

/** A birth year to the first year of its decade. */
export function decadeOf(year: number): number {
  return Math.floor(year / 10) * 10;
}

/** A date to the first day of its month. */
export function monthOf(date: string): string {
  return `${date.slice(0, 7)}-01`;
}

/**
 * Masks what looks like personal data in text about things. Order matters: what is longer and surer comes first, so that
 * a card number is not read as a phone number.
 *
 * Each pattern is linear in the text: it begins at the edge of a run (a lookbehind or \b holds it there) and nothing in it
 * can match the same characters in two ways. None matches a mask, so that scrubbing twice changes nothing.
 */
const masks: [RegExp, string][] = [
  // Addresses lose the user before the host.
  [/(:\/\/)(?:[^\s/@?#"'<>]*@)+/g, '$1'],
  // The domain has a letter somewhere: "3@9.99" is a price. What is glued to it goes with it.
  [
    /(?<![\p{L}\p{M}\p{N}._%+'-])(?=[\p{M}._%+'-]*[\p{L}\p{N}])[\p{L}\p{M}\p{N}._%+'-]+(?:[@＠]|%40|\s?[[(]at[\])]\s?)(?=[\p{N}.-]*\p{L})[\p{L}\p{M}\p{N}._%+'@＠-]*[\p{L}\p{M}\p{N}]/giu,
    '[email]',
  ],
  // Addresses and paths lose query string and fragment, also where only these were given.
  [/(?<![^\s"'<>])([^\s"'<>?#/]*\/[^\s"'<>?#]*)[?#][^\s"'<>]*/g, '$1'],
  [/[?#][^\s"'<>?#=]*=[^\s"'<>]*/g, ''],
  // 4-4-4-4 and 4-6-5 digits; cards without gaps are long digit runs.
  [/\b\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}\b/g, '[card]'],
  [/\b\d{4}([ -])\d{6}\1\d{4,5}\b/g, '[card]'],
  [/(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\w)/g, '[ip]'],
  // IPv6 and MAC addresses; written short, an IPv6 address has :: and a digit. Times have neither.
  [/(?<![\w:\]])(?:[0-9a-f]{1,4}:){5,7}[0-9a-f]{1,4}(?![\w:[])/gi, '[ip]'],
  [
    /(?<![\w:\]])(?=[0-9a-f:]{0,39}\d)(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?(?![\w:[])/gi,
    '[ip]',
  ],
  // +49 (0)30 123-456, 0049…; (212) 555-0123; 212-555-0123; 612 345 678; 030/1234567, but not 01.02.2026; 98765 43210.
  [/(?:\+|(?<!\d[ ./-]?)00)\d(?:[ ./()-]{0,3}\d){6,14}(?!\d)/g, '[phone]'],
  [/\(\d{2,5}\)[ ./-]?\d{3,5}[ .-]?\d{2,5}(?!\d)/g, '[phone]'],
  [/\b\d{3}([ .-])\d{3}\1\d{4}\b/g, '[phone]'],
  [/\b\d{3}([ -])\d{3,4}\1\d{3,4}\b/g, '[phone]'],
  [/(?<!\d[ ./-]?|\w)(?!\d{2}[./-]\d{2}[./-]\d{4}\b)0\d(?:[ ./-]?\d){7,11}\b/g, '[phone]'],
  [/\b[6-9]\d{4}[ -]\d{5}\b/g, '[phone]'],
  [/\b\d{3}([ -])\d{2}\1\d{4}\b/g, '[digits]'],
  // 12 Main Street; 3 Elm Court, but neither 4 wheel drive nor 10 inch square pan.
  [
    /\b\d{1,5}[a-z]?,?\s+(?!(?:inch|in|cm|mm|ft|feet|wheel|way|piece|pieces|pcs|pack|person|stage|speed|day|week|hour|minute)\b)(?:\p{L}[\p{L}\p{M}.'’-]*\s+){1,4}(?:street|st|road|rd|avenue|ave|lane|ln|boulevard|blvd|terrace|(?:drive|dr|way|court|ct|square|place)(?=\s*(?:[,.;]|$)))\b\.?/gimu,
    '[address]',
  ],
  [
    /(?<![\p{L}\p{M}-])\p{L}[\p{L}\p{M}-]*(?:straße|strasse|str\.|weg|platz|allee|gasse)\s+\d{1,5}[a-z]?\b/giu,
    '[address]',
  ],
  [
    /\b\d{1,4}(?: bis| ter)?,?\s+(?:rue|avenue|boulevard|chemin|impasse|quai)\s+(?:\p{L}[\p{L}\p{M}.'’-]*\s+){0,4}\p{L}[\p{L}\p{M}'’-]*/giu,
    '[address]',
  ],
  [
    /\b(?:[Rr]ue|[Aa]venue|Via|[Cc]alle|[Aa]venida|[Rr]ua)\s+(?:\p{L}[\p{L}\p{M}.'’-]*,?\s+){1,4}\d{1,5}\b/gu,
    '[address]',
  ],
  // Whatever it is; the fraction of a second is none.
  [/(?<!\p{Nd}|:\d\d\.)\p{Nd}{7,}/gu, '[digits]'],
];

/** What every mask needs at least one of. */
const suspicious = /[\p{Nd}@＠?#[(]/u;

/** One short run of digits among letters, as most paths and names have it, is none of what the masks look for. */
const plain = /^[a-z/_-]*(?:\d{1,6}[a-z/_-]*)?$/i;

/** What is masked or cut can let its neighbours look personal; a bound, so that no text takes a round a word. */
const mostRounds = 4;

/** What stores cannot hold: NUL, and halves of a character. */
const unstorable = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * The text with e-mail, card, phone, IP and postal addresses and long digit runs masked and query strings cut. NUL and
 * lone surrogates become U+FFFD, since a raw line with them could not be read.
 */
export function scrub(text: string): string {
  if (plain.test(text)) return text;
  const storable = text.isWellFormed() && !text.includes('\0') ? text : text.replace(unstorable, '\ufffd');
  let scrubbed = storable;
  for (let round = 0; round < mostRounds && suspicious.test(scrubbed); round += 1) {
    const before = scrubbed;
    scrubbed = masks.reduce((masked, [pattern, replacement]) => masked.replace(pattern, replacement), before);
    if (scrubbed === before) break;
  }
  return scrubbed;
}

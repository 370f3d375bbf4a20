/**
 * Masks what looks like personal data in text about things. Order matters: what is longer and surer comes first, so that
 * a card number is not read as a phone number.
 */
const masks: [RegExp, string][] = [
  // Query strings and fragments of addresses and paths, and the user part of an address.
  [/((?:[a-z][a-z0-9+.-]*:\/\/|\/)[^\s?#"'<>]*)[?#][^\s"'<>]*/gi, '$1'],
  [/\?[^\s"'<>=]*=[^\s"'<>]*/g, ''],
  [/(:\/\/)[^\s/@]+@/g, '$1'],
  [/[\p{L}\p{N}._%+'-]+(?:@|＠|%40|\s?[[(]at[\])]\s?)[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/giu, '[email]'],
  [/\b(?:\d[ -]?){12,18}\d\b/g, '[card]'],
  [/\b(?:\d{1,3}\.){3}\d{1,3}\b/g, '[ip]'],
  [/\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}\b/gi, '[ip]'],
  [/(?:\+|\b00)\d[\d\s()./-]{6,}\d/g, '[phone]'],
  [/\(?\b\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}\b/g, '[phone]'],
  [/\b0\d{2,4}[\s/-]\d[\d\s/-]{4,}\d\b/g, '[phone]'],
  [
    /\b\d{1,5}[a-z]?,?\s+(?:\p{L}[\p{L}.'’-]*\s+){1,4}(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|way|court|ct|square|place|terrace)\b\.?/giu,
    '[address]',
  ],
  [/\b\p{L}[\p{L}-]*(?:straße|strasse|str\.|weg|platz|allee|gasse)\s+\d{1,5}[a-z]?\b/giu, '[address]'],
  [/\b(?:rue|avenue|via|calle|avenida|rua)\s+(?:\p{L}[\p{L}.'’-]*\s+){1,4}\d{1,5}\b/giu, '[address]'],
  [/\d{7,}/g, '[digits]'],
];

/** The text with e-mail, card, phone, IP and postal addresses and long digit runs masked and query strings cut. */
export function scrub(text: string): string {
  return masks.reduce((masked, [pattern, replacement]) => masked.replace(pattern, replacement), text);
}

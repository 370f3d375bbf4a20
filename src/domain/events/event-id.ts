/** Event ids, which producers spell in several ways. */

const pattern = /^(?:urn:uuid:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** The UUID in its one canonical form, 36 lower-case characters, so that duplicates meet; undefined where it is none. */
export function canonicalEventId(id: unknown): string | undefined {
  return typeof id === 'string' ? pattern.exec(id)?.[1]?.toLowerCase() : undefined;
}

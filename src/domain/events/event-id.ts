/** Event ids, which producers spell in several ways. */

const canonical = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const pattern = /^(?:urn:uuid:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** The UUID in its one canonical form, 36 lower-case characters, so that duplicates meet; undefined where it is none. */
export function canonicalEventId(id: unknown): string | undefined {
  if (typeof id !== 'string') return undefined;
  // Most producers write the canonical form, and it need not be taken apart.
  return canonical.test(id) ? id : pattern.exec(id)?.[1]?.toLowerCase();
}

/** The statements of a file of `sql/`. */

/** In order, without comments and closing semicolons; a semicolon ends a statement at the end of its line. */
export function statementsOf(text: string): string[] {
  return text
    .replaceAll(/'(?:[^']|'')*'|--[^\n]*/g, (match) => (match.startsWith("'") ? match : ''))
    .split(/;\s*(?:\n|$)/)
    .map((sql) => sql.trim())
    .filter(Boolean);
}

/**
 * Holds SQL to the subset that its engines run with equal results (`sql-subset.ts`): models on DuckDB and Spark;
 * queries, and the SELECTs of load statements, on DuckDB, PostgreSQL and Redshift. DuckDB parses; what its tree no longer
 * shows is looked for in the text.
 */
import { openDuckDb, type SqlEngine } from './sql-engines.ts';
import { isIntervalLiteral, type Node, type Place, rules, type SqlKind } from './sql-subset.ts';

export interface Finding {
  rule: string;
  /** `file:line: what is wrong; the way out` */
  message: string;
}

/** The breaches of one SELECT in the order of the rules; none means that every engine gives the same rows. */
export async function lintSql(path: string, text: string, kind: SqlKind): Promise<Finding[]> {
  const finding = (rule: string, offset: number, message: string, wayOut: string): Finding => ({
    rule,
    message: `${path}:${lineAt(text, offset)}: ${message}; ${wayOut}`,
  });
  const parsed = await parse(text);
  if (parsed.error) return [finding('parse', 0, String(parsed.error_message), 'write one SELECT')];
  const statements = parsed.statements as Node[];
  if (statements.length !== 1) return [finding('parse', 0, `${statements.length} statements`, 'write one SELECT')];

  const parts = partsOf(statements[0]!);
  const aliases = aliasesOf(parts);
  const inTree = rules.flatMap(({ rule, wayOut, breach }) =>
    parts.flatMap(({ node, ancestors, offset }) => {
      const place: Place = { kind, path, ancestors, aliases };
      const message = breach(node, place);
      return message === undefined ? [] : [finding(rule, offset, message, wayOut)];
    }),
  );
  const plain = withoutTextAndComments(text);
  const inText = textRules
    .filter(({ kinds }) => kinds.includes(kind))
    .flatMap(({ rule, pattern, message, wayOut }) =>
      [...plain.matchAll(pattern)].map((match) => finding(rule, match.index, message, wayOut)),
    );
  return [...inTree, ...inText];
}

let engine: Promise<SqlEngine> | undefined;

/** Ends the parser, which starts with the first `lintSql`. */
export async function closeLint(): Promise<void> {
  const started = engine;
  engine = undefined;
  await (await started)?.close();
}

async function parse(text: string): Promise<Node> {
  engine ??= openDuckDb();
  const options = 'skip_null := true, skip_empty := true, skip_default := true';
  // The parser counts bytes, the finding's line is counted in characters.
  const literal = `'${text.replaceAll("'", "''").replaceAll(/[^\t\n -~]/g, '?')}'`;
  const { rows } = await (await engine).select(`select json_serialize_sql(${literal}, ${options})`);
  return JSON.parse(rows[0]![0]!) as Node;
}

interface Part {
  node: Node;
  ancestors: Node[];
  /** Position in the text; of a part that has none, its parent's. */
  offset: number;
}

/** Every part of the tree that has a type, outermost first. */
function partsOf(value: unknown, ancestors: Node[] = [], offset = 0): Part[] {
  if (Array.isArray(value)) return value.flatMap((item) => partsOf(item, ancestors, offset));
  if (typeof value !== 'object' || value === null) return [];
  const node = value as Node;
  if (typeof node.type !== 'string') return Object.values(node).flatMap((child) => partsOf(child, ancestors, offset));
  const here = Number(node.query_location ?? (node.expression as Node | undefined)?.query_location ?? offset);
  const part = { node, ancestors, offset: here };
  // A literal is its value; what DuckDB makes of it inside is of no interest.
  if (node.class === 'CONSTANT' || isIntervalLiteral(node)) return [part];
  const inner = Object.entries(node).filter(([key]) => key !== 'cast_type');
  return [part, ...inner.flatMap(([, child]) => partsOf(child, [node, ...ancestors], here))];
}

function aliasesOf(parts: Part[]): Map<string, Node[]> {
  const aliases = new Map<string, Node[]>();
  for (const { node } of parts) {
    if (!node.class || typeof node.alias !== 'string') continue;
    aliases.set(node.alias, [...(aliases.get(node.alias) ?? []), node]);
  }
  return aliases;
}

/** The text with comments blanked and string literals made of quotes alone, each position kept. */
export function withoutTextAndComments(text: string): string {
  return text.replace(/--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'/g, (match) =>
    match.replaceAll(/[^\n]/g, match.startsWith("'") ? "'" : ' '),
  );
}

export const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

// ---- What the tree does not show ------------------------------------------------------------------------------------

interface TextRule {
  rule: string;
  kinds: SqlKind[];
  pattern: RegExp;
  message: string;
  wayOut: string;
}

const all: SqlKind[] = ['model', 'query', 'load'];
const warehouse: SqlKind[] = ['query', 'load'];

const textRules: TextRule[] = [
  {
    rule: 'materialized',
    kinds: all,
    pattern: /\bas\s+(not\s+)?materialized\b/gi,
    message: 'Spark and Redshift have no such hint',
    wayOut: 'leave it to the engine',
  },
  {
    rule: 'lateral',
    kinds: all,
    pattern: /\blateral\b/gi,
    message: 'LATERAL is not shared',
    wayOut: 'join on a condition',
  },
  {
    rule: 'colon',
    kinds: all,
    pattern: /:+/g,
    message: 'only DuckDB and PostgreSQL read a colon here',
    wayOut: 'write `cast(x as type)`, and names after AS',
  },
  {
    rule: 'from first',
    kinds: all,
    pattern: /(^\s*|\(\s*)from\b/gi,
    message: 'only DuckDB reads FROM without SELECT',
    wayOut: 'begin with SELECT',
  },
  {
    rule: 'trailing comma',
    kinds: all,
    pattern: /,\s*(\)|from\b|where\b|group\b|order\b|having\b|;|$)/gi,
    message: 'only DuckDB reads a comma before nothing',
    wayOut: 'take it away',
  },
  {
    rule: 'type name',
    kinds: all,
    pattern: /\bas\s+(text|string|varchar|char|decimal|numeric|int|integer|int[248]|float[48]?|real)\s*\)/gi,
    message: 'this type is unknown, or of another size, elsewhere',
    wayOut: 'cast to varchar(n), decimal(p, s), bigint or a double',
  },
  {
    rule: 'double',
    kinds: ['model'],
    pattern: /\bdouble\s+precision\b/gi,
    message: 'Spark has no DOUBLE PRECISION',
    wayOut: 'write `double`',
  },
  {
    rule: 'double',
    kinds: warehouse,
    pattern: /\bdouble\b(?!\s+precision\b)/gi,
    message: 'PostgreSQL has no DOUBLE',
    wayOut: 'write `double precision`',
  },
];

/** The names of all rules. */
export const ruleNames: string[] = [
  ...new Set(['parse', ...rules.map(({ rule }) => rule), ...textRules.map(({ rule }) => rule)]),
];

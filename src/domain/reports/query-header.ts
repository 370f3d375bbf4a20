/** The machine-read header comment of an analytics query. */
export interface QueryHeader {
  number: number;
  /** `cohort_retention` */
  name: string;
  title: string;
  question: string;
  grain: string;
  definitions: string;
}

const fields = ['title', 'question', 'grain', 'definitions'] as const;

/** Reads the header of `queries/03_cohort_retention.sql`. Throws where a field is missing. */
export function parseQueryHeader(path: string, text: string): QueryHeader {
  const [, number, name] = /(\d+)_(\w+)\.sql$/.exec(path) ?? [];
  if (!number || !name) throw new Error(`${path}: a query's file is called <number>_<name>.sql`);
  const values: Record<string, string> = {};
  let current: string | undefined;
  for (const line of text.split('\n')) {
    if (!line.startsWith('--')) break;
    const [, field, rest] = /^-- (\w+): (.*)$/.exec(line) ?? [];
    if (field && (fields as readonly string[]).includes(field)) current = field;
    const part = field === current && rest !== undefined ? rest : line.slice(2).trim();
    if (current) values[current] = values[current] ? `${values[current]} ${part}` : part;
  }
  const missing = fields.filter((field) => !values[field]);
  if (missing.length > 0) throw new Error(`${path}: the header lacks ${missing.join(', ')}`);
  return { number: Number(number), name, ...(values as Record<(typeof fields)[number], string>) };
}

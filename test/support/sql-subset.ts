/** The SQL that all engines run alike, as tables: what is listed is allowed, and a rule says what is refused, and why. */
import { readSql } from './sql-engines.ts';

/** What a SELECT is for, which decides the engines that it must run on. */
export type SqlKind = 'model' | 'query' | 'load';

/** A part of the syntax tree as DuckDB serialises it: expressions have a `class` as well as a `type`. */
export interface Node {
  [property: string]: Value;
}
type Value = string | number | boolean | null | Value[] | Node;

/** Where a part stands. */
export interface Place {
  kind: SqlKind;
  path: string;
  /** The parts around it, innermost first. */
  ancestors: Node[];
  /** Column alias -> every expression of the file that has it. */
  aliases: Map<string, Node[]>;
}

interface Rule {
  rule: string;
  wayOut: string;
  /** What of this part breaks the rule, or undefined. */
  breach(node: Node, place: Place): string | undefined;
}

// ---- What is allowed ------------------------------------------------------------------------------------------------

const words = (text: string): Set<string> => new Set(text.split(/\s+/));

/** Each kind of part, by its class or else its type, with the properties that it may have. */
const shapes: Record<string, Set<string>> = {
  SELECT_NODE: words('modifiers cte_map select_list from_table where_clause group_expressions group_sets having'),
  SET_OPERATION_NODE: words('modifiers cte_map setop_type setop_all left right'),
  ORDER_MODIFIER: words('orders'),
  LIMIT_MODIFIER: words('limit offset'),
  DISTINCT_MODIFIER: words(''),
  ORDER_DEFAULT: words('null_order expression'),
  ASCENDING: words('null_order expression'),
  DESCENDING: words('null_order expression'),
  BASE_TABLE: words('table_name'),
  SUBQUERY: words('subquery subquery_type child comparison_type column_name_alias'),
  JOIN: words('left right condition join_type ref_type using_columns'),
  EMPTY: words(''),
  EXPRESSION_LIST: words('values'),
  COLUMN_REF: words('column_names'),
  CONSTANT: words('value'),
  FUNCTION: words('function_name schema children is_operator distinct order_bys'),
  WINDOW: words('function_name children partitions orders start end start_expr end_expr offset_expr default_expr'),
  CASE: words('case_checks else_expr'),
  CAST: words('child cast_type try_cast'),
  COMPARISON: words('left right'),
  CONJUNCTION: words('children'),
  OPERATOR: words('children'),
  BETWEEN: words('input lower upper'),
  STAR: words('relation_name'),
};
const everywhere = words('class type alias query_location aggregate_handling');

const operators = words(
  'OPERATOR_NOT OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL OPERATOR_COALESCE COMPARE_IN COMPARE_NOT_IN GROUPING_FUNCTION',
);
const sharedFunctions = words(
  `+ - * / % || ~~ !~~ like_escape not_like_escape abs floor sqrt round sign nullif least greatest trim substring
  split_part lpad position replace left right length md5 date_part date_trunc count count_star sum min max avg bool_or
  bool_and`,
);
const preludeFunctions = [...readSql('prelude/duckdb.sql').matchAll(/macro (\w+)\(/g)].map((match) => match[1]!);
const modelFunctions = new Set([...sharedFunctions, ...preludeFunctions, 'min_by', 'max_by', 'last_day']);

const rankings = words('row_number rank dense_rank ntile lag lead');
const positions = words('first_value last_value');
const aggregates = words('count count_star sum min max avg bool_or bool_and');
const frameEdges = words(
  'UNBOUNDED_PRECEDING UNBOUNDED_FOLLOWING CURRENT_ROW_ROWS EXPR_PRECEDING_ROWS EXPR_FOLLOWING_ROWS',
);
const castTypes = words('VARCHAR BIGINT DOUBLE BOOLEAN DATE TIMESTAMP DECIMAL');
const dateParts = words('year quarter month week day doy hour minute');
const clocks = words(
  'current_date current_time current_timestamp localtime localtimestamp sysdate current_user session_user user',
);

/** Common forms that `shapes` leaves out, with what to write instead. */
const refusedProperties: Record<string, string> = {
  qualify: 'rank in one CTE and filter in the next',
  filter: 'write `sum(case when … then … end)`',
  sample: 'choose rows by what they hold',
  distinct_on_targets: 'rank with row_number() and keep the first',
};

// ---- Reading parts --------------------------------------------------------------------------------------------------

const kindOf = (node: Node): string => String(node.class ?? node.type);
const childrenOf = (node: Node): Node[] => (node.children ?? []) as Node[];
const isCall = (node: Node, ...names: string[]): boolean =>
  node.class === 'FUNCTION' && names.includes(String(node.function_name));

const extraProperties = (node: Node): string[] =>
  Object.keys(node).filter((property) => !everywhere.has(property) && !shapes[kindOf(node)]?.has(property));

/** The value of a literal, undefined for any other expression. */
function literalOf(node: Node | undefined): Value | undefined {
  return node?.class === 'CONSTANT' ? (node.value as Node).value : undefined;
}

/** True for `interval '30' minute`, which DuckDB reads as to_minutes(cast(trunc(cast('30' as double)) as bigint)). */
export function isIntervalLiteral(node: Node): boolean {
  if (!/^to_(months|days|hours|minutes|seconds)$/.test(String(node.function_name))) return false;
  let inner: Node | undefined = childrenOf(node)[0];
  while (inner?.class === 'CAST' || (inner && isCall(inner, 'trunc'))) {
    inner = inner.class === 'CAST' ? (inner.child as Node) : childrenOf(inner)[0];
  }
  return typeof literalOf(inner) === 'string';
}

/** True where the expression is seen to be a DOUBLE or DECIMAL: by a cast, a literal, or an alias of such. */
function isFractional(node: Node, aliases: Place['aliases'], seen: string[] = []): boolean {
  const isType = (type: Value | undefined) => ['DOUBLE', 'DECIMAL'].includes(String((type as Node | undefined)?.id));
  const some = (nodes: Node[]) => nodes.some((child) => isFractional(child, aliases, seen));
  if (node.class === 'CAST') return isType(node.cast_type);
  if (node.class === 'CONSTANT') return isType((node.value as Node).type);
  if (node.class === 'CASE') return some((node.case_checks as Node[]).map((check) => check.then_expr as Node));
  if (node.class === 'COLUMN_REF') {
    const name = (node.column_names as string[]).at(-1)!;
    const sources = seen.includes(name) ? [] : (aliases.get(name) ?? []);
    return sources.length > 0 && sources.every((source) => isFractional(source, aliases, [...seen, name]));
  }
  return !['count', 'length', 'date_part'].includes(String(node.function_name)) && some(childrenOf(node));
}

function isNeverZero(divisor: Node): boolean {
  if (divisor.class === 'CAST') return isNeverZero(divisor.child as Node);
  return isCall(divisor, 'nullif') ? literalOf(childrenOf(divisor)[1]) === 0 : Number(literalOf(divisor) ?? 0) !== 0;
}

/** True for the star of `name as (select * from table)`. */
function isImport([select, outer]: Node[]): boolean {
  const entries = ((outer?.cte_map as Node | undefined)?.map ?? []) as Node[];
  const isCte = entries.some((entry) => ((entry.value as Node).query as Node).node === select);
  const isPlain = Object.keys(select!).every(
    (property) => everywhere.has(property) || /^(select_list|from_table)$/.test(property),
  );
  return (
    isCte &&
    isPlain &&
    (select!.select_list as Node[]).length === 1 &&
    (select!.from_table as Node).type === 'BASE_TABLE'
  );
}

// ---- Rules over the tree --------------------------------------------------------------------------------------------

/** A rule in one line: the message where the condition holds. */
const when = (condition: boolean, message: string): string | undefined => (condition ? message : undefined);

export const rules: Rule[] = [
  {
    rule: 'form',
    wayOut: 'write it in the forms that the other models and queries use',
    breach: (node) => {
      if (!(kindOf(node) in shapes)) return `${kindOf(node).toLowerCase()} is not shared`;
      const property = extraProperties(node).find((name) => !(name in refusedProperties));
      return property && `${property.replaceAll('_', ' ')} of ${kindOf(node).toLowerCase()} is not shared`;
    },
  },
  ...Object.entries(refusedProperties).map(([property, wayOut]) => ({
    rule: property.replace('_targets', '').replaceAll('_', ' '),
    wayOut,
    breach: (node: Node) => when(extraProperties(node).includes(property), `${property.split('_t')[0]} is not shared`),
  })),
  {
    rule: 'operator',
    wayOut: 'write it with and, or, not, in, is null, coalesce',
    breach: ({ class: kind, type }) =>
      when(kind === 'OPERATOR' && !operators.has(String(type)), `${String(type).toLowerCase()} is not shared`),
  },
  {
    rule: 'function',
    wayOut: 'use a shared one, or for models define it in sql/prelude',
    breach: (node, { kind }) => {
      const allowed = kind === 'model' ? modelFunctions : sharedFunctions;
      const isListed = allowed.has(String(node.function_name)) || isIntervalLiteral(node);
      return when(node.class === 'FUNCTION' && !isListed, `the function ${node.function_name} is not shared`);
    },
  },
  {
    rule: 'ordered aggregate',
    wayOut: 'order in a window',
    breach: (node) =>
      when('orders' in ((node.order_bys ?? {}) as Node), `${node.function_name} with ORDER BY is not shared`),
  },
  {
    rule: 'clock',
    wayOut: 'take the time from the rows, so that the same input gives the same output',
    breach: (node) => {
      const names = (node.class === 'COLUMN_REF' ? node.column_names : []) as string[];
      return when(names.length === 1 && clocks.has(names[0]!.toLowerCase()), `${names[0]} differs between runs`);
    },
  },
  {
    rule: 'struct',
    wayOut: 'give each value a column of its own',
    breach: (node) => when(((node.column_names ?? []) as string[]).length > 2, 'this reaches into a struct or schema'),
  },
  {
    rule: 'zero divisor',
    wayOut: 'divide by `nullif(divisor, 0)`',
    breach: (node) =>
      when(
        isCall(node, '/', '%') && !isNeverZero(childrenOf(node)[1]!),
        'division by zero is an error, NULL or infinity',
      ),
  },
  {
    rule: 'integer division',
    wayOut: 'cast an operand to DOUBLE or DECIMAL',
    breach: (node, { aliases }) => {
      const isSafe = childrenOf(node).some((operand) => isFractional(operand, aliases));
      return when(isCall(node, '/') && !isSafe, 'integers divide to an integer or to a fraction, by engine');
    },
  },
  {
    rule: 'integer average',
    wayOut: 'cast the argument to DOUBLE or DECIMAL',
    breach: (node, { aliases }) => {
      const isSafe = childrenOf(node).some((argument) => isFractional(argument, aliases));
      return when(
        node.function_name === 'avg' && !isSafe,
        'the average of integers is an integer or a fraction, by engine',
      );
    },
  },
  {
    rule: 'null order',
    wayOut: 'write `asc nulls last`, or what is meant',
    breach: (node) => when(node.null_order === 'ORDER_DEFAULT', 'where NULLs sort differs by engine'),
  },
  {
    rule: 'window function',
    wayOut: `use ${[...rankings, ...positions, ...aggregates].join(', ')}`,
    breach: ({ class: kind, function_name: name }) => {
      const isListed = [rankings, positions, aggregates].some((list) => list.has(String(name)));
      return when(kind === 'WINDOW' && !isListed, `the window function ${name} is not shared`);
    },
  },
  {
    rule: 'window order',
    wayOut: 'order by something unique',
    breach: ({ class: kind, function_name: name, orders }) =>
      when(kind === 'WINDOW' && !aggregates.has(String(name)) && !orders, `${name} without ORDER BY depends on chance`),
  },
  {
    rule: 'window frame',
    wayOut: 'write `rows between unbounded preceding and current row`',
    breach: ({ class: kind, function_name: name, orders, start, end }) => {
      const isDefault = start === 'UNBOUNDED_PRECEDING' && end === 'CURRENT_ROW_RANGE';
      if (kind !== 'WINDOW' || (isDefault && (rankings.has(String(name)) || !orders))) return undefined;
      const isRows = frameEdges.has(String(start)) && frameEdges.has(String(end));
      return when(!isRows, 'an ordered window takes its peers in unless its frame is of rows');
    },
  },
  {
    rule: 'join',
    wayOut: 'use inner, left, right, full or cross join; for what is missing, left join and test for NULL',
    breach: ({ type, join_type, ref_type }) => {
      const isShared =
        /^(INNER|LEFT|RIGHT|FULL)$/.test(String(join_type)) && /^(REGULAR|CROSS)$/.test(String(ref_type));
      const name = ref_type === 'REGULAR' ? join_type : ref_type;
      return when(type === 'JOIN' && !isShared, `${String(name).toLowerCase()} join is not shared`);
    },
  },
  {
    rule: 'set operation',
    wayOut: 'use union, union all, except or intersect',
    breach: ({ setop_type: type, setop_all: all }) =>
      when(
        type !== undefined && type !== 'UNION' && !(/^(EXCEPT|INTERSECT)$/.test(String(type)) && all === false),
        `${String(type).toLowerCase().replaceAll('_', ' ')}${all === false ? '' : ' all'} is not shared`,
      ),
  },
  {
    rule: 'star',
    wayOut: 'list the columns; a star may stand in `name as (select * from table)` and in clean models',
    breach: (node, { kind, path, ancestors }) => {
      const isClean = kind === 'model' && path.includes('models/clean/');
      const isValues = (ancestors[0]?.from_table as Node | undefined)?.type === 'EXPRESSION_LIST';
      return when(
        node.class === 'STAR' && !isClean && !isValues && !isImport(ancestors),
        'a star hides which columns are meant',
      );
    },
  },
  {
    rule: 'values',
    wayOut: 'join rows with union all',
    breach: ({ type }, { kind }) =>
      when(type === 'EXPRESSION_LIST' && kind !== 'model', 'Redshift has no VALUES in FROM'),
  },
  {
    rule: 'group by all',
    wayOut: 'list the columns',
    breach: ({ aggregate_handling }) => when(aggregate_handling === 'FORCE_AGGREGATES', 'GROUP BY ALL is not shared'),
  },
  {
    rule: 'limit',
    wayOut: 'order by something unique',
    breach: ({ modifiers }) => {
      const types = ((modifiers ?? []) as Node[]).map((modifier) => modifier.type);
      return when(
        types.includes('LIMIT_MODIFIER') && !types.includes('ORDER_MODIFIER'),
        'LIMIT without ORDER BY takes any rows',
      );
    },
  },
  {
    rule: 'cast',
    wayOut: `cast to ${[...castTypes].join(', ')}`,
    breach: ({ class: kind, cast_type }) => {
      const id = String((cast_type as Node | undefined)?.id);
      return when(kind === 'CAST' && !castTypes.has(id), `the type ${id} is not shared`);
    },
  },
  {
    rule: 'cast of a fraction',
    wayOut: 'say how with floor() or round() first',
    breach: ({ class: expression, cast_type, child }, { kind, aliases }) => {
      const isWhole = kind === 'model' && expression === 'CAST' && (cast_type as Node).id === 'BIGINT';
      const isRounded = isWhole && isCall(child as Node, 'floor', 'round');
      return when(isWhole && !isRounded && isFractional(child as Node, aliases), 'Spark cuts off what DuckDB rounds');
    },
  },
  {
    rule: 'try_cast',
    wayOut: 'let the model clean what the query reads',
    breach: ({ try_cast }, { kind }) => when(try_cast === true && kind !== 'model', 'PostgreSQL has no TRY_CAST'),
  },
  {
    rule: 'date part',
    wayOut: `extract ${[...dateParts].join(', ')}, or for models define it in sql/prelude`,
    breach: (node) => {
      const part = literalOf(childrenOf(node)[0]);
      return when(isCall(node, 'date_part') && !dateParts.has(String(part)), `extract(${part}) differs by engine`);
    },
  },
  {
    rule: 'date_trunc',
    wayOut: 'write `cast(date_trunc(…) as date)`',
    breach: (node, { ancestors }) =>
      when(isCall(node, 'date_trunc') && ancestors[0]?.class !== 'CAST', 'its type differs by engine'),
  },
  {
    rule: 'substring',
    wayOut: 'count from 1',
    breach: (node) =>
      when(
        isCall(node, 'substring') && !(Number(literalOf(childrenOf(node)[1])) >= 1),
        'a start below 1 cuts differently',
      ),
  },
  {
    rule: 'escape',
    wayOut: "choose another character, as in `escape '!'`",
    breach: (node) =>
      when(
        /like_escape$/.test(String(node.function_name)) && literalOf(childrenOf(node)[2]) === '\\',
        'Spark reads the backslash itself',
      ),
  },
  {
    rule: 'null-safe comparison',
    wayOut: 'write `a = b or (a is null and b is null)`',
    breach: ({ type }, { kind }) =>
      when(/DISTINCT_FROM$/.test(String(type)) && kind !== 'model', 'Redshift has no IS DISTINCT FROM'),
  },
  {
    rule: 'quantifier',
    wayOut: 'use in, exists, or compare with min() or max()',
    breach: ({ subquery_type, comparison_type }) =>
      when(subquery_type === 'ANY' && comparison_type !== 'COMPARE_EQUAL', 'ANY is not shared'),
  },
];

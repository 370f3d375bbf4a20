/** Turns the validators' findings into reasons that people can act on and that hold no personal data. */
import type { ErrorObject } from 'ajv';
import type { Leaf, Validator } from '../contracts/index.ts';
import { isNestedAtMost, type JsonObject } from './json.ts';
import { oncePer } from './once-per.ts';
import type { Reason } from './outcome.ts';

const mostReasons = 10;

/** Serialising recurses, so that a document nested a hundred thousand deep would end its whole batch. */
const deepestNesting = 32;

/** Spark refuses to read older timestamps from Parquet, and of year 0 DuckDB makes 1 BC. */
const firstYear = 1900;

/** The reasons for which a document breaks the contract of this validator and these leaves; none where it keeps it. */
export function violations(validate: Validator, leaves: Leaf[], document: unknown): Reason[] {
  if (validate(document)) {
    const broken: Reason[] = [];
    for (const leaf of watchedLeaves(leaves)) {
      const rule = brokenRule(leaf, (document as JsonObject)[leaf.property]);
      if (rule !== undefined) broken.push({ path: `/${leaf.property}`, rule });
    }
    return broken;
  }
  const reasons = new Map<string, Reason>();
  for (const error of validate.errors ?? []) {
    const reason = reasonOf(error, document as JsonObject, leaves);
    if (reason) reasons.set(`${reason.path} ${reason.rule}`, reason);
  }
  return [...reasons.values()].slice(0, mostReasons);
}

/** The leaves whose values need more than JSON Schema can say. */
const watchedLeaves = oncePer((leaves: Leaf[]): Leaf[] =>
  leaves.filter(
    ({ type, privacy, json }) => type === 'TIMESTAMP' || privacy === 'natural_id' || json.includes('object'),
  ),
);

/** What JSON Schema cannot say of a value that it accepts: the rule that it breaks, or undefined. */
function brokenRule(leaf: Leaf, value: unknown): string | undefined {
  if (leaf.type === 'TIMESTAMP' && typeof value === 'string' && !isStorableTime(value)) {
    return `a time from ${firstYear} on that is no leap second`;
  }
  if (leaf.privacy === 'natural_id' && typeof value === 'number' && !Number.isSafeInteger(value)) {
    // Such numbers have lost digits in JSON, so that two people would become one.
    return `an integer of at most ${Number.MAX_SAFE_INTEGER}; send longer ids as text`;
  }
  if (typeof value === 'object' && !isNestedAtMost(deepestNesting, value)) {
    return `a map nested at most ${deepestNesting} deep`;
  }
  return undefined;
}

/** RFC 3339 knows leap seconds; the lake's timestamps do not. The contract has seen to the form: `YYYY-MM-DDTHH:MM:SS…`. */
function isStorableTime(text: string): boolean {
  return Number(text.slice(0, 4)) >= firstYear && text.slice(17, 19) !== '60';
}

function reasonOf(error: ErrorObject, document: JsonObject, leaves: Leaf[]): Reason | undefined {
  // Each branch of an anyOf reports what it misses: together they say more than the anyOf itself.
  if (error.keyword === 'anyOf' || error.keyword === 'if') return undefined;
  // Key names can be data: the validators follow only the names that a contract declares.
  const property = error.instancePath.slice(1);
  const leaf = leaves.find((candidate) => candidate.property === property);
  const rule = leaf?.isMoney ? moneyRule : ruleText(error);
  const value = leaf && document[property];
  return { path: error.instancePath || '/', rule, ...(leaf && isHarmless(leaf, value) && { value: String(value) }) };
}

const moneyRule = 'an amount with at most ten digits before the point and four after it';

/** True for a small number or a boolean where the contract asks for one; a long number may be anybody's. */
function isHarmless(leaf: Leaf, value: unknown): boolean {
  if (!leaf.isClosed) return false;
  if (typeof value === 'boolean') return leaf.json.includes('boolean');
  return typeof value === 'number' && Math.abs(value) < 1e6 && /number|integer/.test(leaf.json.join());
}

function ruleText({ keyword, params, schemaPath }: ErrorObject): string {
  switch (keyword) {
    case 'required':
      return schemaPath.includes('/anyOf/')
        ? `required ${params.missingProperty}, or another of its kind`
        : `required ${params.missingProperty}`;
    case 'type':
      return `type ${[params.type].flat().join(' or ')}`;
    case 'format':
      return `format ${params.format}`;
    case 'enum':
      return `one of ${params.allowedValues.join(', ')}`;
    case 'pattern':
      return `pattern ${params.pattern}`;
    default:
      return params.limit === undefined ? keyword : `${keyword} ${params.limit}`;
  }
}

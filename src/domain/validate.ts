/** Turns the validators' findings into reasons that people can act on and that hold no personal data. */
import type { ErrorObject } from 'ajv';
import { type Contract, type Leaf, validatorOf } from '../contracts/index.ts';
import type { JsonObject } from './json.ts';
import type { Reason } from './outcome.ts';

const mostReasons = 10;

/** The reasons for which a document breaks a contract (or `envelope`); none where it keeps it. */
export function violations(contractId: string, document: unknown, contract?: Contract): Reason[] {
  const validate = validatorOf(contractId);
  if (!validate) throw new Error(`there is no validator for ${contractId}`);
  if (validate(document)) return contract ? impossibleTimes(contract.leaves, document as JsonObject) : [];
  const reasons = new Map<string, Reason>();
  for (const error of validate.errors ?? []) {
    const reason = reasonOf(error, document as JsonObject, contract);
    if (reason) reasons.set(`${reason.path} ${reason.rule}`, reason);
  }
  return [...reasons.values()].slice(0, mostReasons);
}

/** RFC 3339 knows leap seconds; the lake's timestamps do not. */
export function impossibleTimes(leaves: Leaf[], document: JsonObject): Reason[] {
  return leaves
    .filter((leaf) => leaf.type === 'TIMESTAMP' && typeof document[leaf.property] === 'string')
    .filter((leaf) => Number.isNaN(Date.parse(document[leaf.property] as string)))
    .map((leaf) => ({ path: `/${leaf.property}`, rule: 'a time that is no leap second' }));
}

function reasonOf(error: ErrorObject, document: JsonObject, contract?: Contract): Reason | undefined {
  // Each branch of an anyOf reports what it misses: together they say more than the anyOf itself.
  if (error.keyword === 'anyOf' || error.keyword === 'if') return undefined;
  const property = error.instancePath.slice(1);
  const rule = ruleText(error);
  // Key names can be data: only the names that a contract declares are shown.
  const leaf = contract?.leaves.find((candidate) => candidate.property === property);
  const value = document?.[property];
  const isHarmless =
    leaf?.isClosed && (typeof value === 'boolean' || (typeof value === 'number' && Math.abs(value) < 1e6));
  return { path: error.instancePath || '/', rule, ...(isHarmless && { value: String(value) }) };
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

/** What the roles of a template may do, a line each: `action resource`, and the condition where there is one. */
import type { Resource, Template } from './synthesized.ts';

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: object;
}

interface Policy {
  PolicyDocument: { Statement: Statement[] };
}

/** Rights of all roles, by the role's logical id, in order. */
export function rightsIn(template: Template): Record<string, string[]> {
  const lines = Object.entries(template.Resources).flatMap(([id, { Type, Properties }]) => {
    if (Type === 'AWS::IAM::Role') {
      const { Policies = [], ManagedPolicyArns = [] } = Properties as {
        Policies?: Policy[];
        ManagedPolicyArns?: unknown[];
      };
      const managed = ManagedPolicyArns.map((arn) => `managed ${JSON.stringify(arn)}`);
      return [...Policies.flatMap((policy) => linesOf(template, policy)), ...managed].map((line) => ({ id, line }));
    }
    if (Type !== 'AWS::IAM::Policy') return [];
    const { Roles, ...policy } = Properties as unknown as Policy & { Roles: { Ref: string }[] };
    return Roles.flatMap(({ Ref }) => linesOf(template, policy).map((line) => ({ id: Ref, line })));
  });
  const byRole = Object.groupBy(lines, ({ id }) => id);
  return Object.fromEntries(Object.entries(byRole).map(([id, own]) => [id, own!.map(({ line }) => line).sort()]));
}

/** Rights of the functions, by the flow that they run. */
export function rightsOfFlows(template: Template): Record<string, string[]> {
  const rights = rightsIn(template);
  const functions = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  return Object.fromEntries(functions.map((made) => [String(made.Metadata?.['C360::Flow']), rights[roleOf(made)]!]));
}

const roleOf = ({ Properties }: Resource): string =>
  (Properties.Role as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'][0];

function linesOf(template: Template, { PolicyDocument }: Policy): string[] {
  return PolicyDocument.Statement.flatMap(({ Effect, Action, Resource, Condition }) =>
    [Action].flat().flatMap((action) =>
      [Resource].flat().map((resource) => {
        const line = `${Effect === 'Allow' ? '' : `${Effect} `}${action} ${resourceText(template, resource)}`;
        return Condition ? `${line} if ${JSON.stringify(Condition)}` : line;
      }),
    ),
  );
}

/** A text of a template as people read it: parameters as their path below the deployment's, resources as `<id>`. */
export function resourceText(template: Template, value: unknown): string {
  if (typeof value === 'string') return value;
  const [[name, argument]] = Object.entries(value as object) as [[string, unknown]];
  if (name === 'Fn::Join')
    return (argument as [string, unknown[]])[1].map((part) => resourceText(template, part)).join('');
  if (name === 'Fn::GetAtt') return `<${(argument as string[])[0]}>`;
  const path = template.Parameters[String(argument)]?.Default;
  return `<${path?.split('/').slice(3).join('/') ?? argument}>`;
}

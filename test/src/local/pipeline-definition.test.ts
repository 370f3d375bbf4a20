/** The definition that runs execute is the synthesized one, with names that mean something on one machine. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipelineTasks } from '../../../src/flows/pipeline-tasks.ts';
import { stepOfState } from '../../../src/flows/run-steps.ts';
import { definitionOf, readPipelineDefinition } from '../../../src/local/pipeline-definition.ts';
import { repositoryRoot } from '../../../src/local/root.ts';
import { parseSchedule } from '../../../src/local/schedule.ts';

interface State {
  Type: string;
  Resource?: string;
  Parameters?: { FunctionName?: string };
}

test('each function of the pipeline is bound to a task, and each state that works to the name of a step', async () => {
  const { machine, schedule } = await readPipelineDefinition(repositoryRoot);
  const states = Object.entries(machine.States as Record<string, State>);
  const functions = states.flatMap(([, { Parameters }]) => Parameters?.FunctionName?.split(':').at(-1) ?? []);
  expect(new Set(functions)).toEqual(new Set(Object.keys(pipelineTasks)));
  const tasks = states.filter(([, { Type }]) => Type === 'Task').map(([name]) => name);
  expect(tasks.filter((name) => !(name in stepOfState)).sort()).toEqual(['AlertDirectly', 'NotifyFailure']);
  expect(parseSchedule(schedule.expression, schedule.timeZone)(new Date('2026-11-21T04:00:00Z'))?.toISOString()).toBe(
    '2026-11-22T03:00:00.000Z',
  );
  expect(schedule.input).toEqual({ kind: 'run' });
}, 120_000);

test('it is kept, so that a run needs no synthesis', async () => {
  await readPipelineDefinition(repositoryRoot);
  const folder = join(repositoryRoot, 'node_modules/.cache/customer-360');
  const kept = () => readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mtimeMs]);
  const before = kept();
  expect(before).toHaveLength(1);
  await readPipelineDefinition(repositoryRoot);
  expect(kept()).toEqual(before);
}, 120_000);

describe('a template', () => {
  const template = (substitution: unknown, resources = {}) => ({
    Parameters: { Job: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/c360/models-job' } },
    Resources: {
      Machine: {
        Type: 'AWS::StepFunctions::StateMachine',
        Properties: {
          DefinitionString: { 'Fn::Join': ['', ['{"Comment":"arn:', { Ref: 'AWS::Partition' }, `:\${Name}"}`]] },
          DefinitionSubstitutions: { Name: substitution },
        },
      },
      Schedule: {
        Type: 'AWS::Scheduler::Schedule',
        Properties: { ScheduleExpression: 'rate(1 hour)', Target: { Input: '{}' } },
      },
      ...resources,
    },
  });
  const run = { Type: 'AWS::Lambda::Function', Properties: {}, Metadata: { 'C360::Flow': 'plan-run' } };

  test.each`
    filledInBy                              | becomes
    ${'plain'}                              | ${'arn:aws:plain'}
    ${{ Ref: 'Job' }}                       | ${'arn:aws:/c360/models-job'}
    ${{ 'Fn::GetAtt': ['PlanRun', 'Arn'] }} | ${'arn:aws:arn:aws:lambda:local:000000000000:function:plan-run'}
  `('fills in $filledInBy', ({ filledInBy, becomes }) => {
    expect(definitionOf(template(filledInBy, { PlanRun: run })).machine).toEqual({ Comment: becomes });
  });

  test.each`
    filledInBy                            | told
    ${{ Ref: 'Nothing' }}                 | ${'names Nothing, which is no parameter of its template'}
    ${{ 'Fn::GetAtt': ['Topic', 'Arn'] }} | ${'calls Topic, which does not say by C360::Flow which flow it runs'}
    ${{ 'Fn::ImportValue': 'x' }}         | ${'which has no local meaning'}
    ${undefined}                          | ${'which has no local meaning'}
  `('is refused where $filledInBy is to be filled in', ({ filledInBy, told }) => {
    expect(() => definitionOf(template(filledInBy))).toThrow(told);
  });

  test('without a state machine and its schedule is refused', () => {
    expect(() => definitionOf({ Resources: {} })).toThrow(
      'must hold one AWS::StepFunctions::StateMachine and its schedule',
    );
  });
});

/** The pipeline's state machine: each task has its limits, and no run ends without a word. */
import validate from 'asl-validator';
import type { JsonObject } from '../../src/domain/json.ts';
import { executeStateMachine } from '../../src/local/state-machine.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { breaches, type Definition, type State } from '../support/state-machine-walk.ts';
import { resourceOf, resourcesOf, synthesize } from '../support/synthesized.ts';

const { pipeline: template } = synthesize(temporaryDirectories()()).templates;
const rules = resourcesOf(template, 'AWS::Events::Rule').map(({ Properties }) => Properties);
const [machineId] = Object.entries(template.Resources).find(
  ([, { Type }]) => Type === 'AWS::StepFunctions::StateMachine',
)!;
const machine = resourceOf(template, 'AWS::StepFunctions::StateMachine');
const text = machine.Properties.DefinitionString as string;
const definition = (): Definition => JSON.parse(text) as Definition;

test('is plain JSON whose open names are all filled in', () => {
  const open = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name);
  expect([...new Set(open)].sort()).toEqual(Object.keys(machine.Properties.DefinitionSubstitutions as object).sort());
});

test('is valid in the States Language', () => {
  expect(validate(definition()).errorsText()).toBe('');
  const broken = definition();
  broken.States.Plan!.Next = 'Nowhere';
  expect(validate(broken).errorsText()).toContain('Nowhere');
});

test('keeps to what the machine on one computer executes, too', () => {
  expect(text).not.toMatch(/"QueryLanguage"|"Assign"|"ItemReader"|"HeartbeatSeconds|waitForTaskToken|"Map"/);
});

test('has a timeout, retries and a catch at each task, and tells of every end', () => {
  expect(breaches(definition())).toEqual([]);
});

test('ends well, without a word, where another run is going on', () => {
  const { States } = definition();
  const [{ Next: end, ErrorEquals: errors }] = States.Plan!.Catch as [{ Next: string; ErrorEquals: string[] }];
  expect([errors, end, States[end]]).toEqual([['RunLocked'], 'AnotherRunIsGoingOn', { Type: 'Succeed' }]);
});

describe('the walk finds', () => {
  const planted = (change: (states: Record<string, State>) => void): string[] => {
    const changed = definition();
    change(changed.States);
    return breaches(changed);
  };

  test.each(Object.keys(definition().States).filter((name) => definition().States[name]!.Type === 'Task'))(
    'what %s lacks',
    (name) => {
      expect(planted((states) => delete states[name]!.TimeoutSeconds)).toEqual([`${name} has no timeout`]);
      expect(planted((states) => delete states[name]!.Retry)).toEqual([`${name} is not tried again after every error`]);
      expect(planted((states) => states[name]!.Retry!.pop())).toEqual([`${name} is not tried again after every error`]);
      expect(planted((states) => delete states[name]!.Retry!.at(-1)!.JitterStrategy)).toEqual([
        `${name} retries without backoff, jitter or longest delay`,
      ]);
      expect(planted((states) => delete states[name]!.Catch)).toEqual([`${name} does not catch every error`]);
      expect(planted((states) => delete states[name]!.Catch![0]!.ResultPath)).toEqual([
        `${name} does not say at $.failed.${name} what failed`,
      ]);
    },
  );

  test.each<[what: string, change: (states: Record<string, State>) => void, end: string]>([
    [
      'a step that ends the run by itself',
      ({ PublishAnswers }) => (PublishAnswers!.Next = 'RunSucceeded'),
      'RunSucceeded',
    ],
    ['a choice that ends it', ({ WhatIsNew }) => (WhatIsNew!.Default = 'RunSucceeded'), 'RunSucceeded'],
    ['a failure that is not told', ({ CleanModels }) => (CleanModels!.Catch![0]!.Next = 'RunFailed'), 'RunFailed'],
    ['a failed word that nobody repeats', ({ Notify }) => (Notify!.Catch![0]!.Next = 'RunFailed'), 'RunFailed'],
    [
      'a run that lost its lock midway',
      ({ CleanGate }) => (CleanGate!.Catch![0]!.Next = 'AnotherRunIsGoingOn'),
      'AnotherRunIsGoingOn',
    ],
    [
      'a run that could not begin for another reason',
      ({ Plan }) => Plan!.Catch![0]!.ErrorEquals.push('RefusedInput'),
      'AnotherRunIsGoingOn',
    ],
    ['a refused batch that is not told', ({ AfterExclusion }) => (AfterExclusion!.Default = 'RunFailed'), 'RunFailed'],
  ])('%s', (_, change, end) => {
    expect(planted(change)).toEqual([`${end} ends a run of which nobody is told`]);
  });
});

describe('a load that goes on behind its call', () => {
  test('is asked for again every 15 seconds, and as often as it goes on', async () => {
    const { WaitForLoad, ...States } = definition().States;
    expect(WaitForLoad).toEqual({ Type: 'Wait', Seconds: 15, Next: 'LoadWarehouse' });
    const called: string[] = [];
    const call = async (state: string): Promise<JsonObject> => {
      called.push(state);
      return { Payload: { state: called.length < 4 ? 'loading' : 'loaded' } };
    };
    const withoutWaiting = {
      ...definition(),
      StartAt: 'LoadWarehouse',
      States: { ...States, WaitForLoad: { ...WaitForLoad, Seconds: 0 } },
    };
    const input = { runId: 'r1', snapshot: { number: 1 } };
    await executeStateMachine(JSON.parse(JSON.stringify(withoutWaiting)), { name: 'e', input, call });
    expect(called).toEqual([...Array(4).fill('LoadWarehouse'), 'PublishAnswers', 'Notify']);
  });
});

test('a run that is stopped from outside is told, too', () => {
  expect(definition()).toMatchObject({ TimeoutSeconds: 12 * 60 * 60 });
  expect(rules[0]).toMatchObject({
    State: 'ENABLED',
    EventPattern: {
      'detail-type': ['Step Functions Execution Status Change'],
      detail: { status: ['TIMED_OUT', 'ABORTED'] },
    },
    Targets: [{ Arn: { Ref: expect.stringContaining('alertstopicarn') } }],
  });
});

test('the lock of a run that ended, in whatever way, is freed by the function notify', () => {
  const { EventPattern, State, Targets } = rules[1]!;
  expect([State, EventPattern]).toEqual([
    'ENABLED',
    {
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: { stateMachineArn: [{ Ref: machineId }], status: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] },
    },
  ]);
  const [{ Arn, InputTransformer }] = Targets as [
    { Arn: { 'Fn::GetAtt': [string, string] }; InputTransformer: Record<string, unknown> },
  ];
  expect(template.Resources[Arn['Fn::GetAtt'][0]]).toMatchObject({ Metadata: { 'C360::Flow': 'notify' } });
  expect(InputTransformer).toEqual({
    InputPathsMap: { 'detail-name': '$.detail.name' },
    InputTemplate: '{"execution":<detail-name>}',
  });
  const allowed = resourcesOf(template, 'AWS::Lambda::Permission').map(({ Properties }) => Properties);
  expect(allowed).toEqual([
    {
      Action: 'lambda:InvokeFunction',
      FunctionName: Arn,
      Principal: 'events.amazonaws.com',
      SourceArn: { 'Fn::GetAtt': [expect.stringContaining('EndedRuns'), 'Arn'] },
    },
  ]);
});

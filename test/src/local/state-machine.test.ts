/** What one machine promises of Step Functions: what it executes it executes alike, and all else it refuses beforehand. */
import type { JsonObject } from '../../../src/domain/json.ts';
import { checkStateMachine, executeStateMachine, TaskError } from '../../../src/local/state-machine.ts';

const lambda = 'arn:aws:states:::lambda:invoke';
const everything = { ErrorEquals: ['States.ALL'] };

/** A task with what each task must have. */
const task = (fields: JsonObject = {}): JsonObject => ({
  Type: 'Task',
  Resource: lambda,
  Parameters: { 'Payload.$': '$' },
  TimeoutSeconds: 5,
  ...(fields.Next === undefined && { End: true }),
  ...fields,
});

const machine = (States: JsonObject, fields: JsonObject = {}): JsonObject => ({
  StartAt: Object.keys(States)[0],
  States,
  ...fields,
});

interface Call {
  state: string;
  parameters: JsonObject;
}

/** Executes a machine whose tasks answer, or throw, in this order; what they answer last they answer for ever. */
function execute(definition: JsonObject, answers: (unknown | Error)[], input: JsonObject = {}) {
  const calls: Call[] = [];
  const call = async (state: string, _resource: string, parameters: JsonObject) => {
    const answer = answers[Math.min(calls.length, answers.length - 1)];
    calls.push({ state, parameters });
    if (answer instanceof Error) throw answer;
    return answer as JsonObject;
  };
  return { calls, output: executeStateMachine(definition, { name: 'execution-1', input, call }) };
}

const failure = (name: string) => new TaskError(name, { errorType: name, errorMessage: 'planted' }, undefined);

describe('an execution', () => {
  test('gives tasks their evaluated parameters, with the name of the execution, and returns the last output', async () => {
    const parameters = { 'who.$': '$$.Execution.Name', 'key.$': "States.Format('plans/{}', $.run)", layer: 'clean' };
    const { calls, output } = execute(machine({ A: task({ Parameters: parameters }) }), [{ done: true }], {
      run: 'r1',
    });
    expect(await output).toEqual({ done: true });
    expect(calls).toEqual([{ state: 'A', parameters: { who: 'execution-1', key: 'plans/r1', layer: 'clean' } }]);
  });

  test('puts results and caught errors where their paths say, beside what was there', async () => {
    const definition = machine({
      A: task({ ResultSelector: { 'n.$': '$.Payload.n' }, ResultPath: '$.made', Next: 'B' }),
      B: task({ ResultPath: null, Catch: [{ ...everything, ResultPath: '$.failed.B', Next: 'C' }], Next: 'C' }),
      C: { Type: 'Succeed' },
    });
    const { output } = execute(definition, [{ Payload: { n: 1 } }, failure('RefusedInput')], { run: 'r1' });
    expect(await output).toEqual({
      run: 'r1',
      made: { n: 1 },
      failed: { B: { Error: 'RefusedInput', Cause: '{"errorType":"RefusedInput","errorMessage":"planted"}' } },
    });
  });

  test('tries again as the first retrier says that names the error, and waits for little', async () => {
    const retry = [
      { ErrorEquals: ['RefusedInput'], MaxAttempts: 0 },
      {
        ...everything,
        IntervalSeconds: 60,
        MaxAttempts: 3,
        BackoffRate: 2,
        MaxDelaySeconds: 300,
        JitterStrategy: 'FULL',
      },
    ];
    const definition = machine({ A: task({ Retry: retry }) });
    const mended = execute(definition, [failure('AdapterError'), failure('Error'), { done: true }]);
    expect(await mended.output).toEqual({ done: true });
    expect(mended.calls).toHaveLength(3);
    const lasting = execute(definition, [failure('RefusedInput')]);
    await expect(lasting.output).rejects.toThrow('planted');
    expect(lasting.calls).toHaveLength(1);
    const down = execute(definition, [failure('AdapterError')]);
    await expect(down.output).rejects.toThrow('planted');
    expect(down.calls).toHaveLength(4);
  });

  test('never has two tasks at work: one that outlives its timeout is waited for', async () => {
    const definition = machine({
      A: task({ TimeoutSeconds: 1, Catch: [{ ...everything, ResultPath: '$.failed.A', Next: 'B' }], Next: 'B' }),
      B: task(),
    });
    const told: string[] = [];
    const call = async (state: string, _resource: string, { Payload }: JsonObject) => {
      told.push(`${state} begins`);
      if (state === 'A') await new Promise((resolve) => setTimeout(resolve, 1500));
      told.push(`${state} ends`);
      return { Payload };
    };
    const output = await executeStateMachine(definition, { name: 'e', input: {}, call });
    expect(told).toEqual(['A begins', 'A ends', 'B begins', 'B ends']);
    expect(output).toMatchObject({ Payload: { failed: { A: { Error: 'States.Timeout' } } } });
  });

  test('that is stopped ends behind the task that is going on', async () => {
    const stop = new AbortController();
    const told: string[] = [];
    const call = async (state: string) => {
      told.push(state);
      stop.abort();
      await new Promise((resolve) => setTimeout(resolve, 50));
      told.push(`${state} ends`);
      return {};
    };
    const definition = machine({ A: task({ Next: 'B' }), B: task() });
    const output = executeStateMachine(definition, { name: 'e', input: {}, call, signal: stop.signal });
    await expect(output).rejects.toMatchObject({ name: 'ExecutionAbortedError' });
    expect(told).toEqual(['A', 'A ends']);
  });
});

describe('a payload over 8 KB', () => {
  const large = 'x'.repeat(8 * 1024);

  test.each`
    where                         | definition                                                                                | answers                             | input
    ${'in what a run is asked'}   | ${machine({ A: task() })}                                                                 | ${[{}]}                             | ${{ large }}
    ${"in a state's input"}       | ${machine({ A: task({ Next: 'B' }), B: task() })}                                         | ${[{ large }, {}]}                  | ${{}}
    ${'put together by a result'} | ${machine({ A: task({ ResultPath: '$.a', Next: 'B' }), B: task() })}                      | ${[{ half: large.slice(100) }, {}]} | ${{ other: 'y'.repeat(200) }}
    ${'in the last output'}       | ${machine({ A: task({ Next: 'B' }), B: { Type: 'Pass', Result: { large }, End: true } })} | ${[{}]}                             | ${{}}
  `('$where ends the execution, and nothing catches it', async ({ definition, answers, input }) => {
    const caught = { ...definition, States: structuredClone(definition.States) };
    caught.States.A.Catch = [{ ...everything, Next: 'Z' }];
    caught.States.Z = { Type: 'Succeed' };
    const { calls, output } = execute(caught, answers, input);
    await expect(output).rejects.toThrow(
      /^the (in|out)put of state [AB] must have at most 8192 bytes, got \d+; pass a key/,
    );
    expect(calls.map(({ state }) => state)).not.toContain('B');
  });

  test('is one by its bytes, and not by one less', async () => {
    const input = { text: `${'é'.repeat(4090)}a` };
    const { output } = execute(machine({ A: task({ ResultPath: null }) }), [{}], input);
    expect(Buffer.byteLength(JSON.stringify(await output))).toBe(8 * 1024);
    const larger = execute(machine({ A: task({ ResultPath: null }) }), [{}], { text: `${input.text}b` });
    await expect(larger.output).rejects.toThrow('got 8193');
  });
});

describe('a definition is refused that', () => {
  const choice = (rule: JsonObject) => ({ C: { Type: 'Choice', Choices: [{ ...rule, Next: 'A' }] }, A: task() });

  test.each`
    asksFor                              | definition                                                                                                 | told
    ${'JSONata'}                         | ${machine({ A: task() }, { QueryLanguage: 'JSONata' })}                                                    | ${'QueryLanguage JSONata'}
    ${'JSONata in a state'}              | ${machine({ A: task({ QueryLanguage: 'JSONata' }) })}                                                      | ${'state A: QueryLanguage JSONata'}
    ${'Arguments'}                       | ${machine({ A: task({ Arguments: {} }) })}                                                                 | ${'state A: Arguments'}
    ${'Output'}                          | ${machine({ A: task({ Output: {} }) })}                                                                    | ${'state A: Output'}
    ${'variables'}                       | ${machine({ A: task({ Assign: { x: 1 } }) })}                                                              | ${'state A: Assign'}
    ${'variables of a choice'}           | ${machine(choice({ Variable: '$.a', IsPresent: true, Assign: {} }))}                                       | ${'state C: Assign in a rule'}
    ${'variables of a catch'}            | ${machine({ A: task({ Catch: [{ ...everything, Next: 'A', Assign: {} }] }) })}                             | ${'state A, Catch: Assign'}
    ${'a JSONata condition'}             | ${machine(choice({ Condition: '{% true %}' }))}                                                            | ${'state C: Condition in a rule'}
    ${'heartbeats'}                      | ${machine({ A: task({ HeartbeatSeconds: 5 }) })}                                                           | ${'state A: HeartbeatSeconds'}
    ${'a task token'}                    | ${machine({ A: task({ Parameters: { 'token.$': '$$.Task.Token' } }) })}                                    | ${'state A: $$.Task.Token'}
    ${'a callback'}                      | ${machine({ A: task({ Resource: `${lambda}.waitForTaskToken` }) })}                                        | ${'.waitForTaskToken'}
    ${'a distributed map'}               | ${machine({ A: { Type: 'Map', ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED' } }, End: true } })} | ${'state A: type Map'}
    ${'an item reader'}                  | ${machine({ A: { Type: 'Map', ItemReader: {}, End: true } })}                                              | ${'state A: type Map'}
    ${'two states at once'}              | ${machine({ A: { Type: 'Parallel', Branches: [], End: true } })}                                           | ${'state A: type Parallel'}
    ${'a resource that is not bound'}    | ${machine({ A: task({ Resource: 'arn:aws:states:::sqs:sendMessage' }) })}                                  | ${'resource arn:aws:states:::sqs:sendMessage'}
    ${"another role's credentials"}      | ${machine({ A: task({ Credentials: {} }) })}                                                               | ${'state A: Credentials'}
    ${'a time that is read from a path'} | ${machine({ A: task({ TimeoutSecondsPath: '$.t' }) })}                                                     | ${'state A: TimeoutSecondsPath'}
    ${'a task without a timeout'}        | ${machine({ A: task({ TimeoutSeconds: undefined }) })}                                                     | ${'state A: no TimeoutSeconds'}
    ${'what the context does not hold'}  | ${machine({ A: task({ Parameters: { 'at.$': '$$.State.EnteredTime' } }) })}                                | ${'state A: $$.State.EnteredTime'}
  `('asks for $asksFor', async ({ definition, told }) => {
    const given = JSON.parse(JSON.stringify(definition));
    const { calls, output } = execute(given, [{}]);
    await expect(output).rejects.toMatchObject({
      name: 'UnsupportedDefinition',
      message: expect.stringContaining(told),
    });
    await expect(checkStateMachine(given)).rejects.toMatchObject({ name: 'UnsupportedDefinition' });
    expect(calls).toEqual([]);
  });

  test('leads nowhere', async () => {
    await expect(checkStateMachine(machine({ A: task({ Next: 'B' }) }))).rejects.toThrow('invalid');
  });
});

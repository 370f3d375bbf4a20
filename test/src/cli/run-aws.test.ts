/**
 * A run on AWS is followed by what its steps write down. moto's Step Functions execute nothing, so that the executions are
 * those of a mock of the client: what is asked of AWS, and what becomes of its answers, is shown here.
 */
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { PipelineExecutions } from '../../../src/adapters/aws/pipeline-executions.ts';
import { commands } from '../../../src/cli/context.ts';
import { followRun, refuseSecondRun } from '../../../src/cli/run-aws.ts';
import { ownRunLock, runLeaseMs, runLockHolder, takeRunLock } from '../../../src/flows/run-lock.ts';
import { listRuns, noteRun, noteStep, readRun } from '../../../src/flows/run-record.ts';
import { AdapterError } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { rejection } from '../../support/faulty-aws.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { virtualTimer } from '../../support/stream.ts';

const newDirectory = temporaryDirectories();
const stateMachineArn = 'arn:aws:states:eu-west-1:123456789012:stateMachine:customer-360-dev-pipeline';
const execution = 'c360-1';
const runId = '20260301T110000Z-5eed0000';

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const step = (name: string) => ({
  step: name,
  startedAt: '2026-03-01T11:00:00.000Z',
  seconds: 1,
  outcome: `${name} is done`,
});

/** Follows an execution whose status is asked so often as there are moments; each is preceded by what the steps do. */
async function follow(moments: { status: string; error?: string; before?: () => Promise<unknown> }[]) {
  const told: string[] = [];
  const waiting = [...moments];
  const describe = async () => {
    const { before, ...answer } = waiting.shift()!;
    await before?.();
    return answer;
  };
  const watcher = {
    started: (name: string) => void told.push(`… ${name}`),
    finished: (report: { step: string; outcome: string }) => void told.push(`${report.step}: ${report.outcome}`),
    failed: (failure: { failedStep: string }) => void told.push(`failed at ${failure.failedStep}`),
    over: () => void told.push('over'),
  };
  const timer = virtualTimer(platform.clock);
  const c360 = commands({ target: 'aws', env: 'dev' });
  const result = await followRun(platform.env, { execution, describe, watcher, timer, c360 }).catch(
    (error: unknown) => error,
  );
  return { result, told, waits: timer.waits };
}

const begin = async () => {
  await takeRunLock(platform.env)({ runId, process: execution }, { leaseMs: runLeaseMs });
  await noteRun(platform.env, runId, { execution, currentStep: 'plan' });
};
const end = async (ended: object) => {
  await noteRun(platform.env, runId, { ...ended, currentStep: undefined });
  await ownRunLock(platform.env)({ runId, process: execution }, { leaseMs: runLeaseMs }).release();
};

describe('a run that is followed', () => {
  test('tells each step once, in order, and what the run has come to', async () => {
    const { result, told, waits } = await follow([
      { status: 'RUNNING' },
      { status: 'RUNNING', before: begin },
      { status: 'RUNNING', before: () => noteStep(platform.env, runId, step('plan')) },
      {
        status: 'SUCCEEDED',
        before: async () => {
          await noteStep(platform.env, runId, step('clean models'));
          await noteStep(platform.env, runId, step('clean gate'));
          await end({ status: 'succeeded', snapshot: 4 });
        },
      },
    ]);
    expect(told).toEqual([
      '… plan',
      'plan: plan is done',
      'clean models: clean models is done',
      'clean gate: clean gate is done',
      'over',
    ]);
    expect(result).toMatchObject({ runId, status: 'succeeded', snapshot: 4, steps: { length: 3 } });
    expect(waits).toEqual([2000, 2000, 2000]);
  });

  test('that found nothing new is idle', async () => {
    const ended = async () => {
      await begin();
      await end({ status: 'idle', snapshot: 3 });
    };
    expect((await follow([{ status: 'SUCCEEDED', before: ended }])).result).toMatchObject({
      status: 'idle',
      snapshot: 3,
    });
  });

  test('fails with the step and the reason that it wrote down', async () => {
    const failed = async () => {
      await begin();
      await end({ status: 'failed', failedStep: 'clean gate', reason: 'planted', whatToDo: 'repair' });
    };
    const { result, told } = await follow([{ status: 'FAILED', before: failed }]);
    expect(told).toEqual(['failed at clean gate', 'over']);
    expect(result).toMatchObject({ name: 'RunFailed', message: 'clean gate: planted' });
  });

  test.each([
    [{ status: 'FAILED', error: 'RunLocked' }, 'execution c360-1 ended with RunLocked and left no reason'],
    [{ status: 'ABORTED' }, 'execution c360-1 ended with ABORTED and left no reason'],
    [{ status: 'TIMED_OUT' }, 'execution c360-1 ended with TIMED_OUT and left no reason'],
  ])('that ends without a word of its own is told by Step Functions: %j', async (moment, message) => {
    expect((await follow([moment])).result).toMatchObject({
      name: 'RunFailed',
      message: expect.stringContaining(message),
    });
  });

  test('that was stopped is told by the step that it had come to', async () => {
    const stopped = async () => {
      await begin();
      await noteRun(platform.env, runId, { currentStep: 'clean models' });
    };
    const { result, told } = await follow([{ status: 'ABORTED', before: stopped }]);
    expect(told).toEqual(['failed at clean models', 'over']);
    expect(result).toMatchObject({
      name: 'RunFailed',
      message: 'clean models: it was ended from outside before it could say why',
    });
  });

  test('that ends well without a record has met another one', async () => {
    expect((await follow([{ status: 'SUCCEEDED' }])).result).toMatchObject({
      name: 'RunFailed',
      message: 'another run is going on; wait for it to end (c360 runs --target aws --env dev)',
    });
  });

  test('is followed on where AWS could not be asked for a while, and not where that lasts or will not pass', async () => {
    const fail = (retryable: boolean) => ({
      status: 'RUNNING',
      before: () => Promise.reject(new AdapterError('planted', { retryable })),
    });
    const away = Array.from({ length: 9 }, () => fail(true));
    const ended = async () => {
      await begin();
      await end({ status: 'idle' });
    };
    expect((await follow([...away, { status: 'SUCCEEDED', before: ended }])).result).toMatchObject({ status: 'idle' });
    expect((await follow([...away, fail(true)])).result).toMatchObject({ name: 'AdapterError', message: 'planted' });
    expect((await follow([fail(false)])).result).toMatchObject({ name: 'AdapterError', message: 'planted' });
  });

  test('is not mixed up with another one', async () => {
    await noteRun(platform.env, '20260301T115900Z-other000', { execution: 'another', steps: [step('plan')] });
    const ended = async () => {
      await begin();
      await end({ status: 'idle' });
    };
    expect((await follow([{ status: 'SUCCEEDED', before: ended }])).told).toEqual(['over']);
  });
});

describe('before a run is started, the run lock', () => {
  const c360 = commands({ target: 'aws', env: 'dev' });

  test('of an execution that has ended is given back', async () => {
    await begin();
    const asked: string[] = [];
    await refuseSecondRun(platform.env, ({ process }) => asked.push(process) > 0, c360);
    expect([asked, await runLockHolder(platform.env)]).toEqual([[execution], undefined]);
    expect((await readRun(platform.env, runId))?.status).toBe('running');
    expect((await listRuns(platform.env)())[0]).toMatchObject({ runId, status: 'interrupted', failedStep: 'plan' });
  });

  test('of one that is going on is left to it, and the person is told which it is', async () => {
    await begin();
    await expect(refuseSecondRun(platform.env, () => false, c360)).rejects.toThrow(
      `run ${runId} is going on; wait for it to end (c360 runs show ${runId} --target aws --env dev)`,
    );
    expect(await runLockHolder(platform.env)).toEqual({ runId, process: execution });
  });
});

describe('an execution', () => {
  const client = new SFNClient({ region: 'eu-west-1', maxAttempts: 1 });
  const executions = new PipelineExecutions({ client, stateMachineArn });
  const executionArn = 'arn:aws:states:eu-west-1:123456789012:execution:customer-360-dev-pipeline:c360-1';
  const failing = (name: string) => Object.assign(new Error('planted words'), { name });

  test('is started under its name, with the input of the run', async () => {
    const sfn = mockClient(client).on(StartExecutionCommand).resolves({});
    await executions.start(execution, { kind: 'replay' });
    const [call] = sfn.commandCalls(StartExecutionCommand);
    expect(call!.args[0].input).toEqual({ stateMachineArn, name: execution, input: '{"kind":"replay"}' });
  });

  test('is described by its status and error, and is running where it is not known yet', async () => {
    const sfn = mockClient(client);
    sfn.on(DescribeExecutionCommand, { executionArn }).resolves({ status: 'FAILED', error: 'RunLocked' });
    expect(await executions.describe(execution)).toEqual({ status: 'FAILED', error: 'RunLocked' });
    sfn.on(DescribeExecutionCommand, { executionArn }).rejects(failing('ExecutionDoesNotExist'));
    expect(await executions.describe(execution)).toEqual({ status: 'RUNNING', error: undefined });
  });

  test.each([
    [{ status: 'RUNNING' }, false],
    [{ status: 'SUCCEEDED' }, true],
    [{ status: 'FAILED' }, true],
    [{ status: 'ABORTED' }, true],
    [{ status: 'TIMED_OUT' }, true],
  ] as const)('that is %j has ended: %s', async (described, hasEnded) => {
    mockClient(client).on(DescribeExecutionCommand, { executionArn }).resolves(described);
    expect(await executions.hasEnded(execution)).toBe(hasEnded);
  });

  test('that Step Functions does not know has not ended: the lock may be that of another process', async () => {
    mockClient(client).on(DescribeExecutionCommand).rejects(failing('ExecutionDoesNotExist'));
    expect(await executions.hasEnded('vacuum-1')).toBe(false);
  });

  test.each([
    ['ThrottlingException', true],
    ['AccessDeniedException', false],
    ['StateMachineDoesNotExist', false],
  ])('whose start fails with %s is an AdapterError without the words of AWS', async (name, retryable) => {
    mockClient(client).on(StartExecutionCommand).rejects(failing(name));
    expect(await rejection(executions.start(execution, {}))).toMatchObject({
      name: 'AdapterError',
      code: name,
      retryable,
      message: `Step Functions: starting a run failed with ${name}`,
    });
  });
});

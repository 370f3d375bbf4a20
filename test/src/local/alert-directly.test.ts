/** A run whose end fails too is told all the same. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { definitionOf } from '../../../src/local/pipeline-definition.ts';
import { callResource } from '../../../src/local/pipeline-resources.ts';
import { executeStateMachine, TaskError } from '../../../src/local/state-machine.ts';
import type { TaskResource } from '../../../src/local/supported-states.ts';
import { doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { synthesize } from '../../support/synthesized.ts';

const newDirectory = temporaryDirectories();

test('the alert names the run and says where to look', async () => {
  const { machine } = definitionOf({ ...synthesize(newDirectory()).templates.pipeline });
  const { env, paths, close } = doorPlatform(newDirectory());
  const called: string[] = [];
  const call = (state: string, resource: TaskResource, parameters: Record<string, unknown>) => {
    called.push(state);
    if (state !== 'AlertDirectly') throw new TaskError('RefusedInput', { errorMessage: 'planted' }, undefined);
    return callResource(env, resource, parameters);
  };
  await expect(executeStateMachine(machine, { name: 'execution-1', input: {}, call })).rejects.toThrow(
    /record of the run/,
  );
  expect(called).toEqual(['Plan', 'NotifyFailure', 'AlertDirectly']);
  const alerts = readFileSync(join(paths.dataDir, 'alerts.jsonl'), 'utf8').trimEnd().split('\n');
  expect(alerts.map((line) => JSON.parse(line))).toMatchObject([
    {
      severity: 'critical',
      subject: expect.stringMatching(/a run failed/),
      text: expect.stringMatching(/^Run execution-1 failed/),
    },
  ]);
  close();
});

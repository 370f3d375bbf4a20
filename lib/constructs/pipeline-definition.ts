/**
 * The pipeline as states. The state's document is small and flat: it carries keys and never lists, since AWS takes 256 KB
 * and the platform on one machine 8. ARNs stand as `${…}`, which CloudFormation fills in, so that the definition in the
 * template is plain JSON that other programs execute as it is.
 */
import { Duration } from 'aws-cdk-lib';
import { Choice, Condition, Fail, type IChainable, Succeed, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { type PipelineTask, pipelineFunctions } from '../pipeline-functions.ts';
import { discarded, engineRetries, functionRetries, type TaskProps, task } from './tasks.ts';

type Payload = Record<string, unknown>;
type Result = Pick<TaskProps, 'selector' | 'resultPath' | 'expected'>;

/** Times that the clean layer is made in one run: anew without the rows that its gate refused, until it passes. */
const mostPasses = 3;

/** What the definition leaves open, by the name that stands in it. */
export const substitutionOf = (flow: PipelineTask): string =>
  flow.replace(/(?:^|-)(\w)/g, (_, letter) => letter.toUpperCase());
export const modelsJob = 'ModelsJob';
export const alertsTopic = 'AlertsTopic';

/** Time that the models of one layer may take. */
export const modelsTimeout = Duration.hours(4);

const filledIn = (name: string) => `\${${name}}`;
const ofRun: Payload = { 'runId.$': '$.runId' };
const ofSnapshot: Payload = { ...ofRun, 'snapshot.$': '$.snapshot.number' };
/** The execution, which knows its run before the document names it, and the document, or at first what was asked for. */
const whole: Payload = { 'execution.$': '$$.Execution.Name', 'input.$': '$' };

/** The named values of a function's answer; a value that is missing is an error of the state. */
const answered = (...names: string[]) => Object.fromEntries(names.map((name) => [`${name}.$`, `$.Payload.${name}`]));

const is = (path: string, value: string) => Condition.stringEquals(path, value);

/** The first state; those behind it hang on it. */
export function pipelineDefinition(scope: Construct): IChainable {
  const runFailed = new Fail(scope, 'RunFailed', {
    error: 'RunFailed',
    cause: 'The alert and the record of the run say which step failed, why, and what to do.',
  });

  const alertDirectly = task(scope, 'AlertDirectly', {
    resource: 'arn:aws:states:::sns:publish',
    parameters: {
      TopicArn: filledIn(alertsTopic),
      Subject: 'Customer 360: a run failed, and so did telling why',
      'Message.$':
        "States.Format('Run {} failed, and so did the step that ends it. Its states are in Step Functions; the next run takes up what is missing.', $$.Execution.Name)",
    },
    timeout: Duration.minutes(1),
    retries: functionRetries,
    onFailure: runFailed,
    resultPath: discarded,
  }).next(runFailed);

  const flow = (name: string, taskName: PipelineTask, payload: Payload, result: Result, onFailure: IChainable) =>
    task(scope, name, {
      resource: 'arn:aws:states:::lambda:invoke',
      parameters: { FunctionName: filledIn(substitutionOf(taskName)), Payload: payload },
      // A little longer than the function may take, so that its own word of it comes first.
      timeout: Duration.minutes(pipelineFunctions[taskName].timeoutMinutes).plus(Duration.seconds(30)),
      retries: functionRetries,
      onFailure,
      ...result,
    });

  const unanswered: Result = { resultPath: discarded };
  const notifyFailure = flow('NotifyFailure', 'notify', whole, unanswered, alertDirectly);
  notifyFailure.next(runFailed);

  const step = (name: string, taskName: PipelineTask, payload: Payload, result: Result = unanswered) =>
    flow(name, taskName, payload, result, notifyFailure);

  const models = (name: string, layer: 'clean' | 'curated') =>
    task(scope, name, {
      resource: 'arn:aws:states:::glue:startJobRun.sync',
      parameters: {
        JobName: filledIn(modelsJob),
        Arguments: { '--plan.$': `States.Format('plans/{}/${layer}.json', $.runId)` },
      },
      timeout: modelsTimeout,
      retries: engineRetries,
      onFailure: notifyFailure,
      resultPath: discarded,
    });

  const notify = step('Notify', 'notify', whole);
  notify.next(new Succeed(scope, 'RunSucceeded'));

  const publishAnswers = step('PublishAnswers', 'publish-answers', ofSnapshot);
  publishAnswers.next(notify);

  const load = { selector: answered('state'), resultPath: '$.load' };
  const loadWarehouse = step('LoadWarehouse', 'load-warehouse', ofSnapshot, load);
  const waitForLoad = new Wait(scope, 'WaitForLoad', { time: WaitTime.duration(Duration.seconds(15)) });
  loadWarehouse.next(
    new Choice(scope, 'IsLoaded')
      .when(is('$.load.state', 'loaded'), publishAnswers)
      .otherwise(waitForLoad.next(loadWarehouse)),
  );

  const snapshot = { selector: answered('number'), resultPath: '$.snapshot' };
  const publishSnapshot = step('PublishSnapshot', 'publish-snapshot', ofRun, snapshot);
  publishSnapshot.next(loadWarehouse);

  const gate = { selector: answered('verdict', 'reason'), resultPath: '$.gate' };
  const curatedModels = models('CuratedModels', 'curated');
  curatedModels
    .next(step('CuratedGate', 'judge-quality', { ...ofRun, layer: 'curated' }, gate))
    .next(
      new Choice(scope, 'CuratedVerdict')
        .when(is('$.gate.verdict', 'passed'), publishSnapshot)
        .otherwise(notifyFailure),
    );

  const planCurated = step('PlanCurated', 'plan-curated', ofRun);
  planCurated.next(curatedModels);

  const cleanModels = models('CleanModels', 'clean');
  const excluded = { selector: answered('pass'), resultPath: '$.excluded' };
  const excludeRows = step('ExcludeRows', 'exclude-rows', ofRun, excluded);
  const mayTryAgain = Condition.and(
    is('$.gate.verdict', 'refused'),
    Condition.numberLessThan('$.excluded.pass', mostPasses),
  );
  excludeRows.next(new Choice(scope, 'AfterExclusion').when(mayTryAgain, cleanModels).otherwise(notifyFailure));
  cleanModels
    .next(step('CleanGate', 'judge-quality', { ...ofRun, layer: 'clean' }, gate))
    .next(new Choice(scope, 'CleanVerdict').when(is('$.gate.verdict', 'passed'), planCurated).otherwise(excludeRows));

  const planned = answered('runId', 'kind', 'next', 'snapshot');
  // Nothing has begun then, and the other run does what there is to do.
  const expected = { RunLocked: new Succeed(scope, 'AnotherRunIsGoingOn') };
  return step('Plan', 'plan-run', whole, { selector: planned, expected }).next(
    new Choice(scope, 'WhatIsNew')
      .when(is('$.next', 'models'), cleanModels)
      .when(is('$.next', 'load'), loadWarehouse)
      .otherwise(notify),
  );
}

/** The pipeline: its functions and its job, the state machine that calls them, and the schedule that starts it. */
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { EventField, type EventPattern, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { type IRole, PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { FlowFunction } from '../constructs/flow-function.ts';
import { ModelsJob } from '../constructs/models-job.ts';
import {
  alertsTopic,
  modelsJob,
  modelsTimeout,
  pipelineDefinition,
  substitutionOf,
} from '../constructs/pipeline-definition.ts';
import { Deployment, type DeploymentStackProps } from '../deployment.ts';
import { acknowledgeWildcards, allow } from '../permissions.ts';
import { type FunctionRow, type PipelineTask, pipelineFunctions } from '../pipeline-functions.ts';

export class PipelineStack extends Stack {
  constructor(scope: Construct, id: string, { environment, settings, ...props }: DeploymentStackProps) {
    super(scope, id, props);
    const deployment = new Deployment(this, environment, settings);
    const variables = { C360_REPORTING_CURRENCY: settings.reportingCurrency };
    const functions = (Object.entries(pipelineFunctions) as [PipelineTask, FunctionRow][]).map(([flow, row]) => {
      const { arn, lambda } = new FlowFunction(this, substitutionOf(flow), { deployment, flow, variables, ...row });
      return { flow, name: substitutionOf(flow), arn, lambda };
    });
    const job = new ModelsJob(this, 'Models', {
      deployment,
      ...settings.models,
      // A little longer than its state may take: a run whose time was over is not to be told as one that failed.
      timeout: modelsTimeout.plus(Duration.minutes(5)),
    });
    const machine = new StateMachine(this, 'Pipeline', {
      stateMachineName: deployment.nameOf('pipeline'),
      definitionBody: DefinitionBody.fromChainable(pipelineDefinition(new Construct(this, 'States'))),
      definitionSubstitutions: {
        ...Object.fromEntries(functions.map(({ name, arn }) => [name, arn])),
        [modelsJob]: job.name,
        [alertsTopic]: deployment.read('alertsTopicArn'),
      },
      role: this.#machineRole(
        deployment,
        functions.map(({ arn }) => arn),
        job,
      ),
      // The last resort, where the load never ends: each task has a time limit of its own.
      timeout: Duration.hours(12),
      tracingEnabled: true,
      logs: {
        level: LogLevel.ALL,
        // Keys, counts and the names of checks: the state's document holds nothing else.
        includeExecutionData: true,
        destination: new LogGroup(this, 'Logs', {
          // Log groups of state machines need this prefix, or AWS rewrites the account's log policy at each new one.
          logGroupName: `/aws/vendedlogs/states/customer-360-${environment}-pipeline`,
          retention: RetentionDays.THREE_MONTHS,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      },
    });
    const topic = Topic.fromTopicArn(this, 'AlertsTopic', deployment.read('alertsTopicArn'));
    tellOfStoppedRuns(this, machine, topic);
    freeLockOfEndedRuns(this, machine, functions.find(({ flow }) => flow === 'notify')!.lambda);
    new Schedule(this, 'Schedule', {
      description: `Runs the pipeline, ${settings.schedule}`,
      schedule: ScheduleExpression.cron(settings.schedule === 'hourly' ? { minute: '0' } : { minute: '0', hour: '3' }),
      target: new StepFunctionsStartExecution(machine, {
        input: ScheduleTargetInput.fromObject({ kind: 'run' }),
        maxEventAge: Duration.hours(1),
      }),
    });
    deployment.put({ stateMachineArn: machine.stateMachineArn });
  }

  /** All that the machine may do; CDK adds nothing to it. */
  #machineRole(deployment: Deployment, functionArns: string[], job: ModelsJob): IRole {
    const statements = [
      allow(['lambda:InvokeFunction'], ...functionArns),
      allow(['glue:StartJobRun', 'glue:GetJobRun', 'glue:GetJobRuns', 'glue:BatchStopJobRun'], job.arn),
      allow(['sns:Publish'], deployment.read('alertsTopicArn')),
      allow(['kms:Decrypt', 'kms:GenerateDataKey'], deployment.read('dataKeyArn')),
      allow([...logDelivery, ...tracing], '*'),
    ];
    const role = new Role(this, 'PipelineRole', {
      assumedBy: new ServicePrincipal('states.amazonaws.com'),
      inlinePolicies: { pipeline: new PolicyDocument({ statements }) },
    });
    const reason = 'The delivery of logs and traces is set up for the account: AWS has no narrower resource for it';
    acknowledgeWildcards(role, [{ resource: '*', reason }]);
    return role.withoutPolicyUpdates();
  }
}

/** A run that is stopped from outside reaches none of its own states: its end is told by the event of it. */
function tellOfStoppedRuns(scope: Construct, machine: StateMachine, topic: ITopic): void {
  const run = EventField.fromPath('$.detail.name');
  const status = EventField.fromPath('$.detail.status');
  new Rule(scope, 'StoppedRuns', {
    description: 'Runs of the pipeline that took too long or were stopped by somebody',
    eventPattern: endOf(machine, 'TIMED_OUT', 'ABORTED'),
    targets: [
      new SnsTopic(topic, {
        message: RuleTargetInput.fromText(
          `The run ${run} of the pipeline was stopped (${status}). Readers see what was published last, and the next run takes up what is missing.`,
        ),
      }),
    ],
  });
}

/**
 * What never came to the state that ends a run, or failed in it, would hold the run lock for its whole lease. So would an
 * execution that ended well and whose step `Plan` was called twice, where the first call takes the lock just before the end.
 */
function freeLockOfEndedRuns(scope: Construct, machine: StateMachine, notify: IFunction): void {
  new Rule(scope, 'EndedRuns', {
    description: 'Runs of the pipeline that ended, however they did, and may not have given the run lock back',
    eventPattern: endOf(machine, 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'),
    targets: [
      new LambdaFunction(notify, {
        event: RuleTargetInput.fromObject({ execution: EventField.fromPath('$.detail.name') }),
      }),
    ],
  });
}

const endOf = ({ stateMachineArn }: StateMachine, ...statuses: string[]): EventPattern => ({
  source: ['aws.states'],
  detailType: ['Step Functions Execution Status Change'],
  detail: { stateMachineArn: [stateMachineArn], status: statuses },
});

const logDelivery = [
  'logs:CreateLogDelivery',
  'logs:GetLogDelivery',
  'logs:UpdateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:DescribeResourcePolicies',
  'logs:DescribeLogGroups',
];

const tracing = [
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
];

/** What is wrong with a deployment on AWS. */
import type { Deployment } from '../adapters/aws/deployment.ts';
import type { DeploymentProbes } from '../adapters/aws/deployment-probes.ts';
import { type FailureStore, failedBatches } from '../flows/redrive-failures.ts';
import { readStatus } from '../flows/status.ts';
import { type Commands, commands } from './context.ts';
import { counted, lakeFindings, landedFiles, quarantineFinding, runFinding, unfinishedFiles } from './doctor-data.ts';
import type { Finding } from './doctor-finding.ts';
import { lineOf } from './errors.ts';
import { count } from './output.ts';
import { isDeadOnAws } from './run-aws.ts';

const deploy = ({ environment }: Deployment) => `npx cdk deploy --all -c env=${environment}`;

/** Where it may be that requests are refused for their time. */
const mostClockSeconds = 60;

/** Examines a deployment. What cannot be asked is a finding too. */
export async function examineDeployment(
  deployment: Deployment,
  probes: DeploymentProbes,
  failures: () => FailureStore,
): Promise<Finding[]> {
  const { env } = deployment;
  const c360 = commands({ target: 'aws', env: deployment.environment });
  const checks: [check: string, look: () => Promise<Finding | Finding[]>][] = [
    ['parameters', async () => parameterFinding(deployment)],
    ['bucket', async () => lakeBucketFindings(await probes.lake())],
    ['failures bucket', async () => ok('failures bucket', await probes.failuresBucket())],
    ['tables', async () => tableFinding(await probes.tables(), deploy(deployment))],
    ['stream', async () => streamFinding(await probes.stream(), deploy(deployment))],
    ['state machine', async () => stateMachineFinding(await probes.stateMachine(), deploy(deployment))],
    ['topic', async () => topicFinding(await probes.subscriptions(), deployment)],
    [
      'landing',
      async () =>
        counted(
          'landing',
          await landedFiles(env),
          'note',
          'files wait for ingest-batch',
          `${c360('upload DATASET FILE')} again, if for long`,
        ),
    ],
    [
      'ingest',
      async () =>
        counted(
          'ingest',
          await unfinishedFiles(env),
          'note',
          'files begun and not finished',
          'upload them again, if for long',
        ),
    ],
    ['on-failure store', async () => failuresFinding((await failedBatches(env, failures())).length, c360)],
    ['quarantine', () => quarantineFinding(env, 'have their source send them again, corrected')],
    ['last run', () => runFinding(env, isDeadOnAws(deployment), c360)],
    ['lake', async () => lakeFindings(await readStatus(env)(), c360)],
  ];
  const findings = await Promise.all(
    checks.map(([check, look]) =>
      look().catch((error: unknown): Finding => ({ check, state: 'wrong', found: lineOf(error) })),
    ),
  );
  return findings.flat();
}

const ok = (check: string, found: string): Finding => ({ check, state: 'ok', found });

function parameterFinding(deployment: Deployment): Finding {
  const { environment, missing } = deployment;
  const check = 'parameters';
  if (missing.length === 0) return ok(check, `all below /customer-360/${environment}/`);
  return {
    check,
    state: 'wrong',
    found: `missing: ${missing.join(', ')}`,
    todo: deploy(deployment),
  };
}

function lakeBucketFindings({ bucket, clockSecondsAhead }: { bucket: string; clockSecondsAhead: number }): Finding[] {
  const seconds = Math.abs(clockSecondsAhead);
  const clock = { check: 'clock', found: `${seconds} s from that of AWS` };
  return [
    ok('bucket', bucket),
    seconds <= mostClockSeconds
      ? { ...clock, state: 'ok' }
      : { ...clock, state: 'wrong', todo: 'set the clock of this machine' },
  ];
}

function tableFinding({ count: all, notActive }: { count: number; notActive: string[] }, redeploy: string): Finding {
  if (notActive.length === 0) return ok('tables', `${all} active`);
  const found = `not active: ${notActive.join(', ')}`;
  return { check: 'tables', state: 'wrong', found, todo: `wait, if it is being deployed; else ${redeploy}` };
}

function streamFinding(
  { status, shards, retentionHours }: Awaited<ReturnType<DeploymentProbes['stream']>>,
  redeploy: string,
): Finding {
  const found = `${status.toLowerCase()}, ${shards} shards, keeps records for ${retentionHours} h`;
  if (status === 'ACTIVE' || status === 'UPDATING') return ok('stream', found);
  return { check: 'stream', state: 'wrong', found, todo: `wait, if it is being deployed; else ${redeploy}` };
}

function stateMachineFinding(status: string, redeploy: string): Finding {
  if (status === 'ACTIVE') return ok('state machine', 'active');
  return { check: 'state machine', state: 'wrong', found: status.toLowerCase(), todo: redeploy };
}

function topicFinding({ confirmed, pending }: { confirmed: number; pending: number }, deployment: Deployment): Finding {
  const check = 'topic';
  if (confirmed > 0) return ok(check, `alerts reach ${count(confirmed)}`);
  const found = pending > 0 ? 'nobody has confirmed the subscription' : 'nobody is subscribed to the alerts';
  const todo =
    pending > 0
      ? 'follow the link in the e-mail of AWS'
      : `set alerts.email in config/${deployment.environment}.yaml, then ${deploy(deployment)}`;
  return { check, state: 'wrong', found, todo };
}

const failuresFinding = (failed: number, c360: Commands): Finding =>
  counted('on-failure store', failed, 'wrong', 'batches that were not archived', c360('redrive --failures'));

/** What is wrong with a deployment on AWS. */
import type { Deployment } from '../adapters/aws/deployment.ts';
import type { DeploymentProbes } from '../adapters/aws/deployment-probes.ts';
import { type FailureStore, failedBatches } from '../flows/redrive-failures.ts';
import { readStatus } from '../flows/status.ts';
import { counted, lakeFindings, landedFiles, quarantineFinding, runFinding, unfinishedFiles } from './doctor-data.ts';
import type { Finding } from './doctor-finding.ts';
import { lineOf } from './errors.ts';
import { count } from './output.ts';

const deploy = 'npx cdk deploy --all';

/** Where it may be that requests are refused for their time. */
const mostClockSeconds = 60;

/** Examines a deployment. What cannot be asked is a finding too. */
export async function examineDeployment(
  deployment: Deployment,
  probes: DeploymentProbes,
  failures: () => FailureStore,
): Promise<Finding[]> {
  const { env } = deployment;
  const checks: [check: string, look: () => Promise<Finding | Finding[]>][] = [
    ['parameters', async () => parameterFinding(deployment)],
    ['bucket', async () => lakeBucketFindings(await probes.lake())],
    ['failures bucket', async () => ok('failures bucket', await probes.failuresBucket())],
    ['tables', async () => tableFinding(await probes.tables())],
    ['stream', async () => streamFinding(await probes.stream())],
    ['state machine', async () => stateMachineFinding(await probes.stateMachine())],
    ['topic', async () => topicFinding(await probes.subscriptions())],
    [
      'landing',
      async () =>
        counted(
          'landing',
          await landedFiles(env),
          'note',
          'files wait for ingest-batch',
          'c360 upload FILE again, if for long',
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
    ['on-failure store', async () => failuresFinding((await failedBatches(env, failures())).length)],
    ['quarantine', () => quarantineFinding(env)],
    ['last run', () => runFinding(env)],
    ['warehouse', async () => lakeFindings(await readStatus(env)())],
  ];
  const findings = await Promise.all(
    checks.map(([check, look]) =>
      look().catch((error: unknown): Finding => ({ check, state: 'wrong', found: lineOf(error) })),
    ),
  );
  return findings.flat();
}

const ok = (check: string, found: string): Finding => ({ check, state: 'ok', found });

function parameterFinding({ environment, missing }: Deployment): Finding {
  const check = 'parameters';
  if (missing.length === 0) return ok(check, `all below /customer-360/${environment}/`);
  return {
    check,
    state: 'wrong',
    found: `missing: ${missing.join(', ')}`,
    todo: `${deploy} -c env=${environment}`,
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

function tableFinding({ count: all, notActive }: { count: number; notActive: string[] }): Finding {
  if (notActive.length === 0) return ok('tables', `${all} active`);
  const found = `not active: ${notActive.join(', ')}`;
  return { check: 'tables', state: 'wrong', found, todo: `wait, if it is being deployed; else ${deploy}` };
}

function streamFinding({ status, shards, retentionHours }: Awaited<ReturnType<DeploymentProbes['stream']>>): Finding {
  const found = `${status.toLowerCase()}, ${shards} shards, keeps records for ${retentionHours} h`;
  if (status === 'ACTIVE' || status === 'UPDATING') return ok('stream', found);
  return { check: 'stream', state: 'wrong', found, todo: `wait, if it is being deployed; else ${deploy}` };
}

function stateMachineFinding(status: string): Finding {
  if (status === 'ACTIVE') return ok('state machine', 'active');
  return { check: 'state machine', state: 'wrong', found: status.toLowerCase(), todo: deploy };
}

function topicFinding({ confirmed, pending }: { confirmed: number; pending: number }): Finding {
  const check = 'topic';
  if (confirmed > 0) return ok(check, `alerts reach ${count(confirmed)}`);
  const found = pending > 0 ? 'nobody has confirmed the subscription' : 'nobody is subscribed to the alerts';
  const todo =
    pending > 0 ? 'follow the link in the e-mail of AWS' : `set alerts.email in the settings, then ${deploy}`;
  return { check, state: 'wrong', found, todo };
}

const failuresFinding = (failed: number): Finding =>
  counted(
    'on-failure store',
    failed,
    'wrong',
    'batches that were not archived',
    'c360 redrive --failures --target aws',
  );

/** What is wrong with a data directory and its keys. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileDatasets } from '../contracts/index.ts';
import { dayOf, quarantineEnd } from '../domain/privacy/quarantine-day.ts';
import { waitingRecords } from '../flows/quarantine.ts';
import { isRedriveCutOff } from '../flows/redrive.ts';
import { failedBatches } from '../flows/redrive-failures.ts';
import type { IsDead } from '../flows/run-lock.ts';
import { listRuns } from '../flows/run-record.ts';
import { readStatus, type Status } from '../flows/status.ts';
import { streamBacklog } from '../flows/stream-backlog.ts';
import type { PlatformPaths } from '../local/platform.ts';
import type { Environment } from '../ports.ts';
import { type Commands, type LocalOptions, onThisMachine, withPlatform } from './context.ts';
import type { Finding } from './doctor-finding.ts';
import { lineOf } from './errors.ts';
import { count } from './output.ts';

/** Examines a directory that holds a platform. What cannot be opened is a finding too. */
export async function examineData(globals: LocalOptions, paths: PlatformPaths): Promise<Finding[]> {
  const isLocked = isWrittenTo(paths.dataDir);
  const findings = [keyFinding(paths.keyDir), lockFinding(isLocked)];
  if (findings.some(({ state }) => state === 'wrong')) return findings;
  try {
    await withPlatform(globals, 'read', async ({ env }) => {
      const last = await runFinding(env, () => !isLocked, onThisMachine);
      findings.push(...(await doorFindings(env, isLocked)), last);
      findings.push(...lakeFindings(await readStatus(env)(), onThisMachine));
    });
  } catch (error) {
    // The stores' own messages name the way out.
    findings.push({ check: 'stores', state: 'wrong', found: error instanceof Error ? error.message : String(error) });
  }
  return findings;
}

function keyFinding(keyDir: string): Finding {
  const check = 'keys';
  const path = join(keyDir, 'root.key');
  if (!existsSync(path)) {
    const todo = 'restore the key directory from its backup, or give it with --key-dir';
    return { check, state: 'wrong', found: `${path} is missing; nothing sealed can be read without it`, todo };
  }
  const open = [keyDir, path].filter((name) => process.platform !== 'win32' && (statSync(name).mode & 0o077) !== 0);
  if (open.length === 0) return { check, state: 'ok', found: path };
  const found = `others may read ${open.join(' and ')}`;
  return { check, state: 'wrong', found, todo: `chmod 700 ${keyDir} && chmod 600 ${path}` };
}

/** True where another process holds the data directory for writing. */
function isWrittenTo(dataDir: string): boolean {
  const path = join(dataDir, 'lock.sqlite');
  if (!existsSync(path)) return false;
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('begin exclusive');
    return false;
  } catch {
    return true;
  } finally {
    database.close();
  }
}

function lockFinding(isLocked: boolean): Finding {
  if (!isLocked) return { check: 'lock', state: 'ok', found: 'free' };
  return { check: 'lock', state: 'note', found: 'another process is writing; what it has begun shows as unfinished' };
}

async function doorFindings(env: Environment, isLocked: boolean): Promise<Finding[]> {
  // What a process is at work on is no leftover.
  const unfinished = isLocked ? 'note' : 'wrong';
  const again = 'upload the same file again: it goes on where it ended';
  const failed = (await failedBatches(env)).length;
  return [
    counted('stream', await streamBacklog(env), 'note', 'events wait to be archived', 'c360 run'),
    counted('landing', await landedFiles(env), unfinished, 'files not ingested; they may hold personal data', again),
    counted('ingest', await unfinishedFiles(env), unfinished, 'files begun and not finished', again),
    counted('redrive', (await isRedriveCutOff(env)) ? 1 : 0, unfinished, 'cut off', 'c360 redrive finishes it'),
    counted('on-failure store', failed, 'wrong', 'batches that were not archived', 'c360 redrive --failures'),
    await quarantineFinding(env, 'c360 quarantine list'),
  ];
}

/** `ok` where the number is 0. */
export function counted(check: string, number: number, state: Finding['state'], what: string, todo: string): Finding {
  if (number === 0) return { check, state: 'ok', found: 'nothing left' };
  return { check, state, found: `${count(number)} ${what}`, todo };
}

export async function landedFiles(env: Environment): Promise<number> {
  let files = 0;
  for await (const _ of env.objects.list('landing/')) files += 1;
  return files;
}

export async function unfinishedFiles(env: Environment): Promise<number> {
  const files = (await Promise.all(fileDatasets.map((dataset) => env.hot.query('files', dataset)))).flat();
  return files.filter(({ values }) => values.isIngested === false).length;
}

export async function quarantineFinding(env: Environment, todo: string): Promise<Finding> {
  const days: string[] = [];
  for await (const { line } of waitingRecords(env)) days.push(line.sealedOn);
  const [oldest] = days.sort();
  const until = oldest === undefined ? '' : `, the first until ${dayOf(quarantineEnd(oldest))}`;
  return counted('quarantine', days.length, 'note', `records wait${until}`, todo);
}

/** What the counts of the lake and the warehouse say. */
export const lakeFindings = (status: Status, c360: Commands): Finding[] => [
  pendingFinding(status, c360),
  heldFinding(status, c360),
  warehouseFinding(status, c360),
  conservationFinding(status, c360),
];

export async function runFinding(env: Environment, isDead: IsDead, c360: Commands): Promise<Finding> {
  const check = 'last run';
  const [last] = await listRuns(env)({ limit: 1, isDead });
  if (!last) return { check, state: 'note', found: 'none yet', todo: c360('run') };
  const { runId, status, failedStep, reason } = last;
  if (status !== 'failed' && status !== 'interrupted') return { check, state: 'ok', found: `${runId} ${status}` };
  const found = `${runId} ${status} at ${failedStep}: ${reason}`;
  return { check, state: 'wrong', found, todo: `${c360('run')} takes up what is missing` };
}

function pendingFinding({ datasets }: Status, c360: Commands): Finding {
  const pending = datasets.reduce((sum, dataset) => sum + dataset.pending, 0);
  return counted('raw', pending, 'note', 'records wait for a run', c360('run'));
}

function heldFinding({ datasets }: Status, c360: Commands): Finding {
  const held = datasets.reduce((sum, dataset) => sum + dataset.held, 0);
  return counted('rollback', held, 'note', 'records are held back', c360('run --release'));
}

function warehouseFinding({ snapshot, loadedSnapshot, warehouseError }: Status, c360: Commands): Finding {
  const check = 'warehouse';
  if (warehouseError) return { check, state: 'wrong', found: lineOf(warehouseError) };
  const newest = snapshot?.number ?? 0;
  if (newest === 0 && loadedSnapshot === 0) return { check, state: 'ok', found: 'empty: nothing is published yet' };
  if (newest === loadedSnapshot) return { check, state: 'ok', found: `holds snapshot ${loadedSnapshot}, the newest` };
  const found = `holds snapshot ${loadedSnapshot}, and the newest is ${newest}`;
  return { check, state: 'wrong', found, todo: `${c360('run')} loads it` };
}

function conservationFinding({ isBalanced, datasets }: Status, c360: Commands): Finding {
  const check = 'conservation';
  if (isBalanced) return { check, state: 'ok', found: 'every record is accounted for' };
  const names = datasets.filter((dataset) => !dataset.isBalanced).map(({ dataset }) => dataset);
  const found = `the counts of ${names.join(', ')} do not add up`;
  const todo = `finish what is unfinished above; else report it with ${c360('status')}`;
  return { check, state: 'wrong', found, todo };
}

/** `c360 upload --target aws`: a file to landing/, from where the function ingest-batch takes it in. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Deployment } from '../adapters/aws/deployment.ts';
import { systemTimer } from '../adapters/local/timer.ts';
import { contractOf, type Dataset } from '../contracts/index.ts';
import { checkHeader } from '../domain/files/check-header.ts';
import type { Mapping } from '../domain/files/mapping.ts';
import { mappingKey } from '../domain/lake/layout.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import { type Fingerprint, fingerprintOf, unchanged } from '../flows/fingerprint.ts';
import {
  keyOfLanding,
  type LandedState,
  type LandingFile,
  landed,
  landedState,
  refusalOf,
} from '../flows/landed-file.ts';
import { goOnLater } from '../flows/landing-handler.ts';
import { shapeOf, unpacked } from '../flows/read-rows.ts';
import type { Environment, Timer } from '../ports.ts';
import { commands, type GlobalOptions } from './context.ts';
import { bytes, count, printSummary, say } from './output.ts';
import { progress } from './progress.ts';
import { openDeployment } from './target.ts';

export interface FileToLand {
  dataset: Dataset;
  /** Its path. */
  file: string;
  mapping?: Mapping;
  /** What the mapping was read from. */
  document?: unknown;
}

export async function uploadOnAws(
  globals: GlobalOptions,
  file: FileToLand,
  { again, wait }: { again?: boolean; wait?: boolean },
): Promise<void> {
  if (again) {
    throw new RefusedInput('--again is for --target local; on AWS a content is ingested once, under one mapping');
  }
  const found = await survey(file);
  const deployment = await openDeployment(globals);
  const { state, isKnown } = await land(deployment, file, found, { isWaiting: wait ?? false, timer: systemTimer });
  if (state.state === 'refused') throw new RefusedInput(`the file was refused: ${state.reason}`);
  if (isKnown) say('This content came in before; nothing changed.');
  else if (state.counts.quarantined > 0) say(`${count(state.counts.quarantined)} rows went to quarantine.`);
  const c360 = commands(globals);
  if (state.state === 'ingested') say(`Next: ${c360('run')}`);
  else if (wait) say(`It is not ingested yet. ${c360('doctor')} says whether something is wrong`);
  else say(`ingest-batch is notified and takes it in. Next: ${c360('status')}; --wait waits for the end`);
  printSummary({ dataset: file.dataset, state: state.state, isKnown, ...state.counts }, globals.format);
}

interface Survey {
  /** Of the file as it is. */
  landing: Fingerprint;
  /** SHA-256 of its content unpacked. */
  contentHash: string;
}

/** Reads the file before anything of it leaves this machine. RefusedInput where the door would refuse it as a whole. */
async function survey({ dataset, file, mapping }: FileToLand): Promise<Survey> {
  const shape = await shapeOf(unpacked(createReadStream(file)));
  if (shape.format === 'csv') checkHeader(shape.header, contractOf(`${dataset}/1`)!, mapping);
  const landing = await fingerprintOf(createReadStream(file));
  const { sha256: contentHash } = await fingerprintOf(unpacked(unchanged(createReadStream(file), landing)));
  return { landing, contentHash };
}

interface Landed {
  state: LandedState;
  /** True where it had been ingested before. */
  isKnown: boolean;
}

/** Lands a file, unless it was ingested before, and where it is wanted waits for what becomes of it. */
async function land(
  deployment: Deployment,
  { dataset, file, mapping, document }: FileToLand,
  { landing, contentHash }: Survey,
  { isWaiting, timer }: { isWaiting: boolean; timer: Timer },
): Promise<Landed> {
  const { env } = deployment;
  const mappingName = document === undefined ? undefined : nameOf(document);
  const landingFile: LandingFile = { dataset, landedHash: landing.sha256, contentHash, mapping, mappingName };
  const refusedBefore = (await refusalOf(env, landingFile))?.at;
  const before = await landedState(env, landingFile, refusedBefore);
  if (before.state === 'ingested') return { state: before, isKnown: true };
  if (mappingName !== undefined) {
    await env.objects.putIfAbsent(mappingKey(dataset, mappingName), Buffer.from(JSON.stringify(document)));
  }
  await bringToLanding(deployment, keyOfLanding(landingFile), file, landing);
  if (!isWaiting) return { state: before, isKnown: false };
  const bar = progress('landing → lake', 0, 'rows');
  const options = { timer, refusedBefore, patienceSeconds, onProgress: (rows: number) => bar.update(rows) };
  return { state: await landed(env, landingFile, options).finally(() => bar.stop()), isKnown: false };
}

/** Longer than ingest-batch takes for most files, and than a queue keeps a notice back. */
const patienceSeconds = 60 * 60;

/** By its content, so that a mapping which files were landed under never becomes another one. */
const nameOf = (document: unknown): string =>
  `m${createHash('sha256').update(JSON.stringify(document)).digest('hex').slice(0, 16)}`;

async function bringToLanding(
  deployment: Deployment,
  key: string,
  file: string,
  fingerprint: Fingerprint,
): Promise<void> {
  if (await liesThere(deployment.env, key, fingerprint.bytes)) {
    say('It lies in landing/ already; ingest-batch is notified of it once more.');
    return goOnLater(deployment.env, key);
  }
  const { uploadToLake } = await import('../adapters/aws/deployment.ts');
  const bar = progress('file → landing', fingerprint.bytes, 'bytes');
  const content = unchanged(createReadStream(file), fingerprint);
  const object = { key, bytes: fingerprint.bytes, content };
  const onProgress = (done: number) => bar.update(done);
  const { knownBytes } = await uploadToLake(deployment, object, { onProgress }).finally(() => bar.stop());
  if (knownBytes > 0) say(`${bytes(knownBytes)} of it were there from an upload that was cut off.`);
}

async function liesThere(env: Environment, key: string, size: number): Promise<boolean> {
  for await (const object of env.objects.list(key)) return object.key === key && object.bytes === size;
  return false;
}

import { existsSync, readFileSync, statSync } from 'node:fs';
import { Command } from 'commander';
import { isNestedAtMost, isObject, parseJson } from '../domain/json.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import { deepestBody } from '../flows/export-quarantine.ts';
import { ruleText } from '../flows/quarantine.ts';
import type { Body } from '../flows/receive-again.ts';
import { type Redriven, redrive } from '../flows/redrive.ts';
import { type RedrivenFailures, redriveFailures } from '../flows/redrive-failures.ts';
import { commands, type GlobalOptions, globalOptions, withPlatform } from './context.ts';
import { count, type Format, print, printSummary, say, tableText } from './output.ts';
import { progress } from './progress.ts';
import { type FilterOptions, filterOf, idColumn, withFilterOptions } from './quarantine.ts';
import { openDeployment } from './target.ts';

interface RedriveOptions extends FilterOptions {
  from?: string;
  failures?: boolean;
}

export function redriveCommand(): Command {
  return withFilterOptions(new Command('redrive'))
    .description('bring records back from quarantine through the door that refused them')
    .option('--from <file>', 'an export in which bodies were repaired: only its records, as they stand there')
    .option('--failures', 'instead, the batches that the archive could not take (on-failure store)')
    .addHelpText(
      'after',
      `
Without --from the records are tried as they came: after a contract was extended, say. What is accepted leaves quarantine
and reaches the answers with the next run; what is refused again stays, and the new reason is shown. Again, the command
changes nothing. On AWS it takes --failures only: there a source sends again, corrected, what was refused.

Examples:
  $ c360 quarantine export --to ../repair.jsonl      then correct the bodies in ../repair.jsonl
  $ c360 redrive --from ../repair.jsonl
  $ c360 redrive --dataset events --rule unknown_type
  $ c360 redrive --failures
  $ c360 redrive --failures --target aws           what Lambda gave up on`,
    )
    .action(async (options: RedriveOptions, command: Command) => {
      const globals = globalOptions(command);
      const filter = filterOf(options);
      if ((options.from || options.failures) && Object.keys(filter).length > 0) {
        throw new RefusedInput(
          '--from and --failures say what is redriven; leave --id, --dataset, --rule and --since away',
        );
      }
      if (globals.target === 'aws') return redriveOnAws(globals, options);
      const repaired = options.from ? readRepaired(options.from) : undefined;
      await withPlatform(globals, 'write', async ({ env }) => {
        if (options.failures) {
          return tellFailures(await redriveFailures(env)(), globals);
        }
        const bar = progress('redrive', repaired?.size ?? 0, 'records');
        const redriven = await redrive(env)(repaired ? { repaired } : filter, (records) => bar.update(records)).finally(
          () => bar.stop(),
        );
        tell(redriven, globals.format);
      });
    });
}

/** What Lambda gave up on lies in a bucket of its own. */
async function redriveOnAws(globals: GlobalOptions, { failures: isOfFailures }: RedriveOptions): Promise<void> {
  if (!isOfFailures) {
    throw new RefusedInput(
      'with --target aws redrive takes --failures only; have quarantined records sent again, corrected, by their source',
    );
  }
  const { archiveFailures } = await import('../adapters/aws/deployment.ts');
  const deployment = await openDeployment(globals);
  tellFailures(await redriveFailures(deployment.env, archiveFailures(deployment))(), globals);
}

function tellFailures(redriven: RedrivenFailures, globals: GlobalOptions): void {
  const { batches, unreadable, withoutBatch } = redriven;
  const sealed = unreadable - withoutBatch;
  if (sealed > 0) say(`${keysGone(sealed, 'batches')}: have their events sent again.`);
  if (withoutBatch > 0) {
    say(
      `${count(withoutBatch)} objects of the on-failure store hold no batch: have the events of their time sent again.`,
    );
  }
  if (batches > 0) say(`Next: ${commands(globals)('run')}`);
  else if (unreadable === 0) say('The on-failure store is empty.');
  printSummary({ ...redriven }, globals.format);
}

const keysGone = (number: number, what: string): string =>
  `${count(number)} ${what} can no longer be opened, since the key of their day is gone`;

/** The bodies of an export by their records' ids. Throws RefusedInput with the line, and none of what stands in it. */
function readRepaired(file: string): Map<string, Body> {
  if (!existsSync(file) || !statSync(file).isFile()) throw new RefusedInput(`${file} is no file; check the path`);
  const repaired = new Map<string, Body>();
  let number = 0;
  for (const line of linesOf(readFileSync(file))) {
    number += 1;
    if (line.toString('latin1').trim() === '') continue;
    const refuse = (rule: string): never => {
      throw new RefusedInput(`${file}:${number}: ${rule}; nothing was redriven`);
    };
    const parsed = parseJson(line);
    if (!parsed.ok) return refuse(parsed.rejection.reasons[0]!.rule);
    const record = isObject(parsed.value)
      ? parsed.value
      : refuse('one JSON object a line, as c360 quarantine export writes');
    const { id, body, body_base64: base64 } = record;
    if (typeof id !== 'string') return refuse('id must be that of the export');
    if (repaired.has(id)) return refuse('an earlier line has the same id; which one counts?');
    if (typeof base64 === 'string' && body === undefined) repaired.set(id, Buffer.from(base64, 'base64'));
    else if (typeof body === 'string') repaired.set(id, Buffer.from(body));
    else if (isObject(body) && isNestedAtMost(deepestBody, body)) repaired.set(id, body);
    else refuse(`body must be text, or an object nested at most ${deepestBody} deep`);
  }
  return repaired;
}

function* linesOf(bytes: Buffer): Iterable<Buffer> {
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(10, from);
    yield bytes.subarray(from, end === -1 ? undefined : end);
    from = end === -1 ? bytes.length : end + 1;
  }
}

function tell(redriven: Redriven, format: Format): void {
  const { selected, raw, suppressed, refused, unreadable, known, unknown } = redriven;
  if (format === 'json') print(JSON.stringify(redriven, null, 2));
  else {
    printSummary({ selected, raw, suppressed, refused: refused.length }, format);
  }
  if (format === 'table' && refused.length > 0) {
    const columns = [idColumn, ...['dataset', 'rules'].map((name) => ({ name, type: 'VARCHAR' }))];
    const rows = refused.map(({ id, dataset, reasons }) => [id, dataset, reasons.map(ruleText).join('; ')]);
    print(
      `\nRefused again, and left as they were\n${tableText({ columns, rows }, { limit: 20, isTextWrapped: true })}`,
    );
    say('Next: c360 quarantine export --to FILE, correct the bodies in it, c360 redrive --from FILE');
  }
  if (known.length > 0) say(`${count(known.length)} records had been redriven before; nothing changed for them.`);
  if (unreadable.length > 0) {
    say(`${keysGone(unreadable.length, 'records')}: have them sent again.`);
  }
  if (unknown.length > 0) {
    say(
      `No record in quarantine has the id ${unknown.slice(0, 5).join(', ')}; c360 quarantine list shows the ids, and records are kept 21 days.`,
    );
    process.exitCode = 1;
  }
  if (raw > 0) say('Next: c360 run');
}

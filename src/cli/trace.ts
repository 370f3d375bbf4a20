import { Command } from 'commander';
import { type TraceStep, traceRecord } from '../flows/trace.ts';
import { globalOptions, withPlatform } from './context.ts';
import { print, printResult, styled } from './output.ts';

export function traceCommand(): Command {
  return new Command('trace')
    .description('show one record at each place that it has reached')
    .argument('<id>', 'an event id, or <transaction_id>/<line_no>')
    .addHelpText(
      'after',
      `
From the stream or quarantine by way of raw and clean to the warehouse, found by where the record came from. Shows no
personal data.

Examples:
  $ c360 trace 6f1f0f3c-3f0a-4c55-9d0c-1f3a5b7c9d11
  $ c360 trace t-000017/2 --format json`,
    )
    .action(async (id: string, _options: object, command: Command) => {
      const globals = globalOptions(command);
      await withPlatform(globals, 'read', async ({ env }) => {
        const steps = await traceRecord(env)(id);
        if (globals.format === 'table') return steps.forEach(tell);
        const rows = steps.map(({ step, place, detail }) => [step, place, detail]);
        const columns = ['step', 'place', 'detail'].map((name) => ({ name, type: 'VARCHAR' }));
        printResult({ columns, rows }, globals.format, { about: { id } });
      });
    });
}

/** No table, since keys are long and are there to be copied. */
function tell({ step, place, detail }: TraceStep): void {
  print(`  ${styled('bold', step.padEnd(10))}  ${place}\n${' '.repeat(14)}${styled('dim', detail)}`);
}

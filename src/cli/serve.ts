import { Command, InvalidArgumentError, Option } from 'commander';
import { readPipelineDefinition } from '../local/pipeline-definition.ts';
import { repositoryRoot } from '../local/root.ts';
import { parseSchedule } from '../local/schedule.ts';
import { serve } from '../local/serve.ts';
import { engineOption, globalOptions, withPlatform } from './context.ts';
import { lineOf } from './errors.ts';
import { count, say, styled } from './output.ts';
import { watcher } from './run.ts';

export function serveCommand(): Command {
  return new Command('serve')
    .description('keep the platform going: archive the stream, run the pipeline when it is due')
    .addOption(
      new Option(
        '--every <interval>',
        'run so often instead: 15m, 6h, 1d (default: the schedule of the settings)',
      ).argParser(rateOf),
    )
    .option('--now', 'run at once, too')
    .addOption(engineOption())
    .addHelpText(
      'after',
      `
The schedule is that of the deployment: \`schedule\` in config/local.yaml, daily (03:00 UTC) or hourly. A run that fails is told,
and the next takes up what is missing. One that is missed while the machine sleeps is made up for once.
Ctrl-C (or SIGTERM) ends it behind the step that is going on; pressed again, at once.

Examples:
  $ c360 serve
  $ c360 serve --every 15m --now`,
    )
    .action(async ({ every, now }: { every?: string; now?: boolean }, command: Command) => {
      const globals = globalOptions(command);
      await withPlatform(globals, 'write', async ({ env }) => {
        const { schedule } = await readPipelineDefinition(repositoryRoot);
        const expression = every ?? schedule.expression;
        const nextDue = parseSchedule(expression, schedule.timeZone);
        say(`Serving ${globals.dataDir}: ${expression}${every ? '' : ` ${schedule.timeZone}`}. Ctrl-C ends it.`);
        let archived = 0;
        await serve(env, {
          nextDue,
          input: schedule.input as Record<string, string>,
          signal: stopped(),
          isNow: now === true,
          archive: {
            onProgress: (records) => {
              say(`  ${count(records - archived)} events of the stream are archived.`);
              archived = records;
            },
          },
          watcher: {
            ...watcher(),
            waiting: (due) =>
              say(due ? `Next run: ${due.toISOString()}` : 'The schedule is over: no run is due any more.'),
            due: () => say(styled('bold', `Run of ${env.clock.now().toISOString()}`)),
            ended: ({ status, snapshot }) =>
              say(status === 'idle' ? '  Nothing is new.' : `  Snapshot ${snapshot} is loaded.`),
            broken: (error) => say(`${styled('red', 'error')} ${lineOf(error)}`),
          },
        });
        say('Stopped.');
      });
    });
}

/** Aborts with the first SIGINT or SIGTERM; a SIGINT behind it ends the process. */
function stopped(): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals) => {
    if (!controller.signal.aborted) say('Stopping behind what is going on; Ctrl-C stops at once.');
    // A SIGTERM comes twice where a service's whole group gets it: the launcher passes its own on.
    else if (signal === 'SIGINT') process.exit(130);
    controller.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  return controller.signal;
}

const units: Record<string, string> = { m: 'minutes', h: 'hours', d: 'days' };

function rateOf(text: string): string {
  const [, number, unit] = /^([1-9]\d{0,3})([mhd])$/.exec(text) ?? [];
  if (number && unit) return `rate(${number} ${units[unit]})`;
  throw new InvalidArgumentError('It must be a number of minutes, hours or days: 15m, 6h, 1d.');
}

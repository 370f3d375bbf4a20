/** The `c360` command. */
import { Command, CommanderError, Option } from 'commander';
import { demoCommand } from './demo.ts';
import { dictionaryCommand } from './dictionary.ts';
import { doctorCommand } from './doctor.ts';
import { lineOf } from './errors.ts';
import { generateCommand } from './generate.ts';
import { formats, say, styled } from './output.ts';
import { produceCommand } from './produce.ts';
import { qualityCommand } from './quality.ts';
import { quarantineCommand } from './quarantine.ts';
import { queryCommand } from './query.ts';
import { ratesCommand } from './rates.ts';
import { redriveCommand } from './redrive.ts';
import { resetCommand } from './reset.ts';
import { replayCommand, rollbackCommand, runCommand, vacuumCommand } from './run.ts';
import { runsCommand } from './runs.ts';
import { serveCommand } from './serve.ts';
import { snapshotsCommand } from './snapshots.ts';
import { sqlCommand } from './sql.ts';
import { statusCommand } from './status.ts';
import { checkTarget, targetOptions } from './target.ts';
import { traceCommand } from './trace.ts';
import { uploadCommand } from './upload.ts';
import { validateCommand } from './validate.ts';

const program = new Command('c360')
  .description('Customer 360: a customer-data platform, whole on one machine or on AWS')
  .version('0.1.0')
  .addOption(new Option('--data-dir <dir>', 'where the platform keeps its data').env('C360_DATA_DIR').default('./data'))
  .addOption(new Option('--key-dir <dir>', 'where it keeps its keys (default: <data-dir>.keys)').env('C360_KEY_DIR'))
  .addOption(new Option('--format <format>', 'how results are printed').choices(formats).default('table'))
  .addOption(targetOptions.target)
  .addOption(targetOptions.env)
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError('(c360 --help lists the commands, c360 <command> --help their options)')
  .addHelpText(
    'after',
    `
Examples:
  $ c360 demo                                    the whole way on generated data, from events to answers
  $ c360 upload customers customers.csv          a file, through the file door
  $ c360 produce events.jsonl                    events, through the stream
  $ c360 run                                     brings what is new to the answers
  $ c360 query cohort_retention                  one of the analytics answers
  $ c360 sql "select count(*) from fact_sales"   your own question
  $ c360 status --target aws --env prod          the same of a deployment on AWS (docs/aws.md)`,
  )
  .hook('preAction', (_, command) => checkTarget(command))
  .exitOverride();

for (const command of [
  demoCommand(),
  generateCommand(),
  validateCommand(),
  uploadCommand(),
  produceCommand(),
  ratesCommand(),
  runCommand(),
  runsCommand(),
  serveCommand(),
  queryCommand(),
  sqlCommand(),
  statusCommand(),
  qualityCommand(),
  snapshotsCommand(),
  rollbackCommand(),
  replayCommand(),
  vacuumCommand(),
  traceCommand(),
  quarantineCommand(),
  redriveCommand(),
  dictionaryCommand(),
  doctorCommand(),
  resetCommand(),
]) {
  program.addCommand(command.exitOverride().copyInheritedSettings(program));
}

// A reader such as `head` may leave before the last line: then nothing is printed any more, and the work goes on.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else {
    process.exitCode = 1;
    say(`${styled('red', 'error')} ${lineOf(error)}`);
  }
}

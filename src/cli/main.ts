/** The `c360` command. */
import { Command, CommanderError, Option } from 'commander';
import { RefusedInput } from '../domain/refused-input.ts';
import { SnapshotTaken } from '../flows/publish-snapshot.ts';
import { GeneratorOptionError } from '../generators/index.ts';
import { AdapterError, EngineError } from '../ports.ts';
import { demoCommand } from './demo.ts';
import { generateCommand } from './generate.ts';
import { formats, say, styled } from './output.ts';
import { produceCommand } from './produce.ts';
import { queryCommand } from './query.ts';
import { resetCommand } from './reset.ts';
import { runCommand } from './run.ts';
import { snapshotsCommand } from './snapshots.ts';
import { sqlCommand } from './sql.ts';
import { statusCommand } from './status.ts';
import { uploadCommand } from './upload.ts';

const program = new Command('c360')
  .description('Customer 360: a customer-data platform, whole on one machine or on AWS')
  .version('0.1.0')
  .addOption(new Option('--data-dir <dir>', 'where the platform keeps its data').env('C360_DATA_DIR').default('./data'))
  .addOption(new Option('--key-dir <dir>', 'where it keeps its keys (default: <data-dir>.keys)').env('C360_KEY_DIR'))
  .addOption(new Option('--format <format>', 'how results are printed').choices(formats).default('table'))
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
  $ c360 sql "select count(*) from fact_sales"   your own question`,
  )
  .exitOverride();

for (const command of [
  demoCommand(),
  generateCommand(),
  uploadCommand(),
  produceCommand(),
  runCommand(),
  queryCommand(),
  sqlCommand(),
  statusCommand(),
  snapshotsCommand(),
  resetCommand(),
]) {
  program.addCommand(command.exitOverride().copyInheritedSettings(program));
}

// A reader such as `head` may leave before the last line.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

/** Failures that a person can act on are told in a line; all others are faults of the platform and keep their stack. */
const expected = [RefusedInput, AdapterError, EngineError, SnapshotTaken, GeneratorOptionError];

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else {
    process.exitCode = 1;
    const isExpected = expected.some((kind) => error instanceof kind);
    say(
      `${styled('red', 'error')} ${isExpected ? (error as Error).message : error instanceof Error ? error.stack : String(error)}`,
    );
  }
}

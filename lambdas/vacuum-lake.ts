/** The lake's upkeep on Lambda, each week. What a call's time did not suffice for, the next call does. */
import { join } from 'node:path';
import { warehouseEnvironment } from '../src/adapters/aws/function-environments.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { keptSnapshots, vacuumBesideRuns } from '../src/flows/vacuum.ts';

const sql = new SqlDirectory(join(import.meta.dirname, 'sql'));
const vacuum = vacuumBesideRuns(warehouseEnvironment(process.env, { sql }));

export const handler = async () => {
  const removed = await vacuum({ keep: keptSnapshots });
  console.log(JSON.stringify({ level: 'INFO', message: 'removed', ...removed }));
  return removed;
};

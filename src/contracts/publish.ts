/** `npm run publish-contracts`: records what the schemas say as published, unless that breaks what was published. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { breaches, type Published, publishedForm } from './compatibility.ts';
import { readSchemaFiles } from './read-schemas.ts';

const file = join(import.meta.dirname, 'published.json');
const now = publishedForm(readSchemaFiles());
const broken = breaches(JSON.parse(readFileSync(file, 'utf8')) as Published, now);
if (broken.length > 0) {
  console.error(broken.join('\n'));
  process.exitCode = 1;
} else {
  writeFileSync(file, `${JSON.stringify(now, null, 2)}\n`);
  console.log(`${Object.keys(now).length} contracts are recorded as published.`);
}

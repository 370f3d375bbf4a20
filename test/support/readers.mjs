// Several readers in one process, each of whom asks the platform of a data directory again and again until the parent says
// `end`, and then reports how often each was answered, which snapshots were seen, and what was of no whole snapshot. In
// snapshot n there are n orders of n persons, the i-th of amount i.
import { setPriority } from 'node:os';
import { newestSnapshot } from '../../src/flows/documents.ts';
import { openPlatform } from '../../src/local/platform.ts';
import { servedContent } from './shown-content.ts';

const [dataDir, count] = process.argv.slice(2);
// Behind the one who publishes, or twenty publishes would take minutes on a small machine.
setPriority(10);
const { env, close } = openPlatform({ dataDir, access: 'read' });

const revenueOf = (number) => (number * (number + 1)) / 2;

const inOneQuery = `
  select (select snapshot_no from load_state), (select count(*) from fact_sales), (select sum(amount) from fact_sales),
    (select count(*) from dim_customer), (select count(*) from dim_product)`;

/** Each gives the number of the snapshot that was seen, and whether all of it was of that snapshot. */
const questions = {
  warehouse: async () => {
    const [[number, sales, revenue, customers, products]] = (await env.warehouse.query(inOneQuery)).rows;
    const isWhole = [sales, customers, products].every((rows) => rows === number);
    return { number, isWhole: isWhole && Number(revenue) === revenueOf(number) };
  },
  serving: async () => {
    const [{ snapshot: number, answers }, ...documents] = await servedContent(env);
    const isOne = documents.every((answer, index) => answer.snapshot === number && answer.name === answers[index].name);
    const { columns, rows } = documents.find(({ name }) => name === 'monthly_revenue');
    const column = columns.findIndex(({ name }) => name === 'revenue');
    const revenue = rows.reduce((sum, row) => sum + Number(row[column]), 0);
    return { number, isWhole: isOne && documents.length === answers.length && revenue === revenueOf(number) };
  },
  lake: async () => {
    const { number, tables } = await newestSnapshot(env);
    const rows = (table) => tables[table].reduce((sum, file) => sum + file.rows, 0);
    const files = await Promise.all(
      Object.values(tables).flatMap((table) => table.map(({ key }) => env.objects.get(key))),
    );
    const isWhole =
      files.every(Boolean) && rows('curated.fact_sales') === number && rows('clean.transactions') === number;
    return { number, isWhole };
  },
};

let isOver = false;
process.once('message', () => {
  isOver = true;
});

const seen = new Set();
const breaches = [];

async function read(reader) {
  const latest = {};
  let answers = 0;
  for (; !isOver; answers += 1) {
    const names = Object.keys(questions);
    const name = names[(reader + answers) % names.length];
    try {
      const { number, isWhole } = await questions[name]();
      if (!isWhole || number < (latest[name] ?? 0)) breaches.push(`${name} of snapshot ${number}`);
      latest[name] = number;
      seen.add(`${name} ${number}`);
    } catch (error) {
      breaches.push(`${name}: ${error.message}`);
    }
  }
  return answers;
}

const reading = Array.from({ length: Number(count) }, (_, reader) => read(reader));
process.send('reading');
const answers = await Promise.all(reading);
close();
process.send({ answers, seen: [...seen], breaches }, () => process.disconnect());

/** What is wrong with a row costs that row alone: it waits in quarantine with line and rule, and the rest goes on. */
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { readStatus } from '../../../src/flows/status.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';

const newDirectory = temporaryDirectories();

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const header = 'product_id,name,category,brand,price,cost';
const good = (id: string) => `${id},Tea,drinks,Acme,1.50,1`;

/** The rules that rows broke by their lines, and the ids that went on. */
async function ingested(content: string | Uint8Array) {
  const counts = await ingestBatch(platform.env)(await platform.land('products', content));
  const refused = await platform.quarantine('products');
  const { isBalanced } = await readStatus(platform.env)();
  expect([counts.received, isBalanced]).toEqual([counts.raw + counts.quarantined, true]);
  return {
    raw: (await platform.raw('products')).map((line) => line.product_id),
    refused: refused.map(({ origin, kind, reasons }) => [origin.source_line, kind, reasons[0]!.path, reasons[0]!.rule]),
  };
}

test('in a CSV file with a byte order mark and CRLF', async () => {
  const rows: (string | Buffer)[] = [
    `\ufeff${header}`,
    good('p1'),
    'p2,Tea',
    'p3,Tea,drinks,Acme,1.50,1,more',
    good('p4'),
    Buffer.from('p5,Café,drinks,Acme,1.50,1', 'latin1'),
    'p6,T\0ea,drinks,Acme,1.50,1',
    '\0\0\0',
    'p7,Tea,drinks,Acme,,1',
    'p8,12" pan,drinks,Acme,1.50,1',
    `p9,${'x'.repeat(50_000_000)},drinks,Acme,1.50,1`,
    good('p10'),
    'p11,Te',
  ];
  const lineEnd = Buffer.from('\r\n');
  const content = Buffer.concat(rows.flatMap((row) => [Buffer.from(row as string), lineEnd]));
  expect(await ingested(content)).toEqual({
    raw: ['p1', 'p4', 'p10'],
    refused: [
      [3, 'not_csv', '', '6 cells as in the header'],
      [4, 'not_csv', '', '6 cells as in the header'],
      [6, 'not_csv', '', 'UTF-8 text'],
      [7, 'not_csv', '', 'text without NUL bytes'],
      [8, 'not_csv', '', 'text without NUL bytes'],
      [9, 'schema_violation', '/', 'required price'],
      [10, 'not_csv', '', 'CSV (RFC 4180): a quote in a cell is doubled and the cell quoted'],
      [11, 'too_long', '', 'at most 1 MiB'],
      [13, 'not_csv', '', '6 cells as in the header'],
    ],
  });
});

test('in a JSON Lines file', async () => {
  const row = (id: string, name = 'Tea') =>
    JSON.stringify({ product_id: id, name, category: 'drinks', brand: 'Acme', price: 1.5, cost: 1 });
  const content = [
    row('p1'),
    row('p2').replace('Tea', 'T\0ea'),
    row('p3').slice(0, -9),
    row('p4', 'x'.repeat(2_000_000)),
    row('p5'),
  ];
  expect(await ingested(content.join('\n'))).toEqual({
    raw: ['p1', 'p5'],
    refused: [
      [2, 'not_json', '', expect.any(String)],
      [3, 'not_json', '', expect.any(String)],
      [4, 'too_long', '', 'at most 1 MiB'],
    ],
  });
});

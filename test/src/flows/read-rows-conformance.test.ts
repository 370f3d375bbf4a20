import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readRows, shapeOf } from '../../../src/flows/read-rows.ts';
import { collect } from '../../support/collect.ts';
import { filesOfTar } from '../../support/tar.ts';

const shared = process.env.C360_SHARED ?? join(import.meta.dirname, '../../../../shared');
const archive = join(shared, 'data/conformance/csv-spectrum.tar.gz');
const files = new Map(existsSync(archive) ? filesOfTar(gunzipSync(readFileSync(archive))) : []);
const describeWithSuite = files.size > 0 ? describe : describe.skip;

async function* pieceOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

describeWithSuite('csv-spectrum', () => {
  const names = [...files.keys()]
    .filter((path) => path.endsWith('.csv'))
    .map((path) => path.slice('csvs/'.length, -'.csv'.length))
    // Its CSV holds stray quotes, and its JSON another phone number.
    .filter((name) => name !== 'location_coordinates');

  test('has eleven files that can be compared', () => {
    expect(names).toHaveLength(11);
  });

  test.each(names.length > 0 ? names : ['absent'])('%s is read as its authors say', async (name) => {
    const bytes = files.get(`csvs/${name}.csv`)!;
    const rows = await collect(readRows(pieceOf(bytes), await shapeOf(pieceOf(bytes))));
    const expected = [JSON.parse(String(files.get(`json/${name}.json`)))].flat();
    expect(rows.map(({ outcome }) => outcome)).toEqual(expected.map((value) => ({ ok: true, value })));
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseJson } from '../../../src/domain/json.ts';
import { filesOfTar } from '../../support/tar.ts';

const shared = process.env.C360_SHARED ?? join(import.meta.dirname, '../../../../shared');
const archive = join(shared, 'data/conformance/JSONTestSuite.tar.gz');

const describeWithSuite = existsSync(archive) ? describe : describe.skip;

describeWithSuite('the JSON Parsing Test Suite', () => {
  const files = existsSync(archive) ? [...filesOfTar(gunzipSync(readFileSync(archive)))] : [];
  const named = (kind: string) =>
    files
      .map(([path, bytes]): [string, Buffer] => [path.slice(path.lastIndexOf('/') + 1), bytes])
      .filter(([name]) => name.startsWith(`${kind}_`) && name.endsWith('.json'));
  const accepted = (kind: string) =>
    named(kind)
      .filter(([, bytes]) => parseJson(bytes).ok)
      .map(([name]) => name);

  test('has what must be taken taken', () => {
    expect(named('y')).toHaveLength(95);
    expect(accepted('y')).toHaveLength(95);
  });

  test('has what must be refused refused', () => {
    expect(named('n')).toHaveLength(188);
    expect(accepted('n')).toEqual([]);
  });

  test('has the rest taken or refused, and nothing ends the process', () => {
    expect(named('i').length).toBeGreaterThan(30);
    expect(() => accepted('i')).not.toThrow();
  });
});

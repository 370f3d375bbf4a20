import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { breaches, type Published, publishedForm } from '../../../src/contracts/compatibility.ts';
import { readSchemaFiles, type Schema } from '../../../src/contracts/read-schemas.ts';

const files = readSchemaFiles();
const published = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../src/contracts/published.json'), 'utf8'),
) as Published;

/** The breaches after one schema file was changed. */
function afterChange(path: string, change: (schema: Schema) => void): string[] {
  const schema = structuredClone(files.get(path)!);
  change(schema);
  return breaches(publishedForm(files), publishedForm(new Map(files).set(path, schema)));
}

describe('the published contracts', () => {
  test('keep their meaning in the schemas as they stand', () => {
    expect(breaches(published, publishedForm(files))).toEqual([]);
  });

  test('are all recorded; `npm run publish-contracts` records a new one', () => {
    expect(Object.keys(published)).toEqual(Object.keys(publishedForm(files)));
  });
});

describe('a change of meaning in a published version is refused', () => {
  const login = 'events/login/1.json';
  const planted: [what: string, path: string, change: (schema: Schema) => void, breach: RegExp][] = [
    [
      'a field goes',
      login,
      (schema) => delete schema.properties!.success,
      /^events\/login\/1: success is gone; leave this version/,
    ],
    [
      'a field changes its type',
      login,
      (schema) => Object.assign(schema.properties!.success!, { type: 'string' }),
      /type of success was "boolean" and is "string"/,
    ],
    [
      'a field is treated otherwise',
      login,
      (schema) => Object.assign(schema.properties!.success!, { 'x-privacy': 'drop' }),
      /x-privacy of success was "keep" and is "drop"/,
    ],
    [
      'a field gets another column',
      login,
      (schema) => Object.assign(schema.properties!.success!, { 'x-column': 'ok' }),
      /x-column of success was "is_success" and is "ok"/,
    ],
    [
      'a field becomes required',
      login,
      (schema) => Object.assign(schema, { required: ['success'] }),
      /required was nothing and is success/,
    ],
    [
      'a field is no longer required',
      'events/logout/1.json',
      (schema) => Object.assign(schema, { required: ['duration'] }),
      /required was nothing and is duration/,
    ],
    [
      'an enumeration loses a value',
      'events/log/1.json',
      (schema) => (schema.properties!.level!.enum as string[]).pop(),
      /enum of level was/,
    ],
    [
      'a shared type changes',
      'common/types.json',
      (schema) => Object.assign((schema.$defs as Record<string, Schema>).money!, { maximum: 1 }),
      /maximum of amount was \d+ and is 1/,
    ],
    [
      'an id is no longer asked for',
      'common/user-event.json',
      (schema) => delete schema.anyOf,
      /anyOf was .* and is nothing/,
    ],
    [
      'the envelope changes',
      'common/envelope.json',
      (schema) => Object.assign(schema.properties!.version!, { default: 2 }),
      /default of version was 1 and is 2/,
    ],
  ];

  test.each(planted)('%s', (_, path, change, breach) => {
    expect(afterChange(path, change).join('\n')).toMatch(breach);
  });

  test('a version goes', () => {
    const fewer = new Map([...files].filter(([path]) => path !== login));
    expect(breaches(publishedForm(files), publishedForm(fewer))).toEqual([
      expect.stringMatching(/^events\/login\/1 was published and is gone/),
    ]);
  });
});

describe('what adds and changes nothing is let through', () => {
  test('a new optional field, a new value of an enumeration, other words', () => {
    expect(
      afterChange('events/log/1.json', (schema) => {
        schema.properties!.host = { type: 'boolean', 'x-privacy': 'keep' };
        (schema.properties!.level!.enum as string[]).push('TRACE');
        schema.description = 'Other words';
      }),
    ).toEqual([]);
  });

  test('a new version', () => {
    const more = new Map(files).set('events/login/2.json', files.get('events/login/1.json')!);
    expect(breaches(publishedForm(files), publishedForm(more))).toEqual([]);
  });
});

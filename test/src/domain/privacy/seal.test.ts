import fc from 'fast-check';
import { open, openBytes, SealError, seal, sealBytes } from '../../../../src/domain/privacy/seal.ts';

const keys = fc.uint8Array({ minLength: 32, maxLength: 32 });
const plaintexts = fc.oneof(fc.string({ unit: 'grapheme' }), fc.uint8Array({ maxLength: 200 }));
const contexts = fc.string({ unit: 'grapheme' });

describe('a sealed text', () => {
  test('opens to the plaintext', () => {
    fc.assert(
      fc.property(keys, plaintexts, contexts, (key, plaintext, context) => {
        const opened = open(key, seal(key, plaintext, context), context);
        expect(opened.equals(Buffer.from(plaintext as string))).toBe(true);
      }),
    );
  });

  test('has the form sealed:1:<base64url> and holds the plaintext nowhere', () => {
    const sealed = seal(new Uint8Array(32), 'a very secret text', 'note');
    expect(sealed).toMatch(/^sealed:1:[\w-]+$/);
    expect(Buffer.from(sealed.slice(9), 'base64url').includes('secret')).toBe(false);
  });

  test('is the same for the same input, so that a retried batch writes equal bytes', () => {
    fc.assert(
      fc.property(keys, plaintexts, contexts, (key, plaintext, context) => {
        expect(seal(key, plaintext, context)).toBe(seal(key, plaintext, context));
      }),
    );
  });

  test('shares its IV with no other pair of context and plaintext, not even one that reads the same joined', () => {
    const key = new Uint8Array(32).fill(7);
    const pairs = [
      ['', 'ab'],
      ['a', 'b'],
      ['ab', ''],
      ['1:a', 'b'],
      ['1', ':ab'],
    ] as const;
    const ivs = pairs.map(([context, plaintext]) => sealBytes(key, plaintext, context).toString('hex', 0, 12));
    expect(new Set(ivs).size).toBe(pairs.length);
  });

  test('does not open under another key', () => {
    fc.assert(
      fc.property(keys, keys, plaintexts, (key, other, plaintext) => {
        fc.pre(!Buffer.from(key).equals(other));
        expect(() => open(other, seal(key, plaintext, 'note'), 'note')).toThrow(SealError);
      }),
    );
  });

  test('does not open in another context', () => {
    fc.assert(
      fc.property(keys, plaintexts, contexts, contexts, (key, plaintext, context, other) => {
        fc.pre(context !== other);
        expect(() => open(key, seal(key, plaintext, context), other)).toThrow(SealError);
      }),
    );
  });

  test('does not open once a character was changed, added or removed', () => {
    const character = fc.constantFrom(...'Aa0_-=+/ é');
    fc.assert(
      fc.property(keys, plaintexts, fc.nat(), character, fc.nat(1), (key, plaintext, at, inserted, removed) => {
        const sealed = seal(key, plaintext, 'note');
        const position = at % (sealed.length + 1);
        const altered = sealed.slice(0, position) + inserted + sealed.slice(position + removed);
        fc.pre(altered !== sealed);
        expect(() => open(key, altered, 'note')).toThrow(SealError);
        expect(() => open(key, sealed.slice(0, at % sealed.length), 'note')).toThrow(SealError);
      }),
    );
  });

  test('does not open once a bit of its bytes was flipped', () => {
    fc.assert(
      fc.property(keys, plaintexts, fc.nat(), (key, plaintext, at) => {
        const bytes = sealBytes(key, plaintext, 'note');
        const bit = at % (bytes.length * 8);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        expect(() => openBytes(key, bytes, 'note')).toThrow(SealError);
      }),
    );
  });

  test('names the length of a key that is no key', () => {
    expect(() => seal(new Uint8Array(16), 'x', 'note')).toThrow('a key must have 32 bytes, got 16');
  });
});

/**
 * Authenticated encryption without randomness: AES-256-GCM under a synthetic IV, so that a retried batch writes equal
 * bytes. Equal plaintexts under one key and one context give equal texts; nothing else about them shows but their length.
 */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { oncePer } from '../once-per.ts';

/** Wrong key, wrong context, or altered text: authenticated encryption cannot tell which. */
export class SealError extends Error {
  override name = 'SealError';
}

const prefix = 'sealed:1:';
const ivBytes = 12;
const tagBytes = 16;

/**
 * Encrypts text (as UTF-8) or bytes under a 32-byte key as `sealed:1:<base64url>`. `context` says what the text is (a
 * column, a place); it is not part of the result, and the text opens only under the same one.
 */
export function seal(key: Uint8Array, plaintext: string | Uint8Array, context: string): string {
  return prefix + sealBytes(key, plaintext, context).toString('base64url');
}

/** The plaintext of a sealed text. SealError where key or context is another, or the text was altered. */
export function open(key: Uint8Array, sealed: string, context: string): Buffer {
  const bytes = Buffer.from(sealed.slice(prefix.length), 'base64url');
  // base64url decodes leniently: only the one canonical spelling counts as unaltered.
  if (prefix + bytes.toString('base64url') !== sealed) throw new SealError('not a sealed text (sealed:1:…)');
  return openBytes(key, bytes, context);
}

/** As `seal`, for binary stores: synthetic IV (12 bytes), ciphertext, tag (16 bytes). */
export function sealBytes(key: Uint8Array, plaintext: string | Uint8Array, context: string): Buffer {
  const { encryptionKey, ivKey } = derivedKeys(key);
  const iv = syntheticIv(ivKey, plaintext, context);
  const cipher = createCipheriv('aes-256-gcm', encryptionKey, iv).setAAD(Buffer.from(context));
  return Buffer.concat([iv, cipher.update(toBytes(plaintext)), cipher.final(), cipher.getAuthTag()]);
}

/** The plaintext of `sealBytes`, with the errors of `open`. */
export function openBytes(key: Uint8Array, sealed: Uint8Array, context: string): Buffer {
  if (sealed.length < ivBytes + tagBytes) throw new SealError('sealed bytes are too short');
  const { encryptionKey } = derivedKeys(key);
  const decipher = createDecipheriv('aes-256-gcm', encryptionKey, sealed.subarray(0, ivBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(-tagBytes));
  const plaintext = decipher.update(sealed.subarray(ivBytes, -tagBytes));
  try {
    decipher.final();
  } catch {
    throw new SealError('the sealed text does not open under this key and context, or it was altered');
  }
  return plaintext;
}

interface DerivedKeys {
  encryptionKey: KeyObject;
  ivKey: KeyObject;
}

/**
 * HKDF-SHA-256 (RFC 5869): one key encrypts, the other makes IVs, so that neither use weakens the other. As KeyObjects,
 * since with raw bytes Node.js takes three times as long for each of these calls.
 */
const derivedKeys = oncePer((key: Uint8Array): DerivedKeys => {
  if (key.length !== 32) throw new SealError(`a key must have 32 bytes, got ${key.length}`);
  const derived = new Uint8Array(hkdfSync('sha256', createSecretKey(key), '', 'seal 1', 64));
  return { encryptionKey: createSecretKey(derived.subarray(0, 32)), ivKey: createSecretKey(derived.subarray(32)) };
});

/** The context's length stands first, so that no two pairs of context and plaintext are hashed alike. */
function syntheticIv(ivKey: KeyObject, plaintext: string | Uint8Array, context: string): Buffer {
  const contextBytes = Buffer.from(context);
  return createHmac('sha256', ivKey)
    .update(`${contextBytes.length}:`)
    .update(contextBytes)
    .update(plaintext)
    .digest()
    .subarray(0, ivBytes);
}

function toBytes(plaintext: string | Uint8Array): Uint8Array {
  return typeof plaintext === 'string' ? Buffer.from(plaintext) : plaintext;
}

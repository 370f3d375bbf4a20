/** What a content is known by, and proof while it is read once more that it is still the same. */
import { createHash, type Hash } from 'node:crypto';
import { RefusedInput } from '../domain/refused-input.ts';

type Bytes = AsyncIterable<Uint8Array>;

export interface Fingerprint {
  /** SHA-256 of the whole content, hexadecimal. */
  sha256: string;
  bytes: number;
  /** SHA-256 of all that stands before the end of each block, in order; the last one is that of the whole content. */
  prefixes: string[];
}

/** So much is held back until it is known to be unchanged. */
const blockBytes = 1_048_576;

export async function fingerprintOf(content: Bytes): Promise<Fingerprint> {
  const fingerprint: Fingerprint = { sha256: '', bytes: 0, prefixes: [] };
  for await (const { block, sha256 } of inBlocks(content)) {
    fingerprint.bytes += block.length;
    fingerprint.prefixes.push(sha256());
  }
  return { ...fingerprint, sha256: fingerprint.prefixes.at(-1)! };
}

/** The same content once more. RefusedInput where it is another by now; nothing of what changed is given. */
export async function* unchanged(content: Bytes, { prefixes }: Fingerprint): Bytes {
  let number = 0;
  for await (const { block, sha256 } of inBlocks(content)) {
    if (sha256() !== prefixes[number]) throw changed();
    number += 1;
    yield block;
  }
  if (number < prefixes.length) throw changed();
}

const changed = () => new RefusedInput('the file changed while it was read; upload it again once it is complete');

interface Block {
  block: Uint8Array;
  /** Of everything up to the block's end. */
  sha256(): string;
}

/** Blocks of one size, the last one shorter, in whatever pieces the bytes come; an empty content is one empty block. */
async function* inBlocks(content: Bytes): AsyncIterable<Block> {
  const hash = createHash('sha256');
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    for (let from = 0; from < chunk.length; ) {
      // Copied, since the source may go on using it.
      const part = Buffer.from(chunk.subarray(from, from + blockBytes - size));
      parts.push(part);
      size += part.length;
      from += part.length;
      if (size < blockBytes) continue;
      yield blockOf(hash, parts);
      parts = [];
      size = 0;
    }
  }
  yield blockOf(hash, parts);
}

function blockOf(hash: Hash, parts: Uint8Array[]): Block {
  const block = Buffer.concat(parts);
  hash.update(block);
  return { block, sha256: () => hash.copy().digest('hex') };
}

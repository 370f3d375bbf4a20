/** Reads archives of test data. */

/** The regular files of a tar archive: their names and bytes. */
export function* filesOfTar(tar: Buffer): Iterable<[name: string, bytes: Buffer]> {
  const text = (from: number, length: number) => tar.toString('latin1', from, from + length).replace(/\0.*$/s, '');
  for (let at = 0; tar[at]; ) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    if (['', '0'].includes(text(at + 156, 1))) yield [text(at, 100), tar.subarray(at + 512, at + 512 + size)];
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

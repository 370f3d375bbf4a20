/**
 * Seeded randomness. Each customer, product and day draws from a stream of its own, found by hashing, so that any of
 * them can be derived alone and nothing need be stored. Only exact arithmetic is used: no platform rounds differently.
 */

// Bound once: in a test runner's sandbox each look-up of the global `Math` costs more than the arithmetic.
const { floor, imul } = Math;

/** A hash of a seed, a label and an index: 32 bits, unsigned. Different labels give unrelated values. */
export function hashOf(seed: number, label: string, index = 0): number {
  let hash = mix(seed ^ 0x9e3779b9);
  for (let position = 0; position < label.length; position++) hash = mix(hash ^ label.charCodeAt(position));
  return mix(hash ^ index) >>> 0;
}

/** As `hashOf`, a fraction from 0 (inclusive) to 1 (exclusive). */
export const fractionOf = (seed: number, label: string, index = 0): number => hashOf(seed, label, index) / 2 ** 32;

/** The finaliser of MurmurHash3: each bit of the input changes each bit of the output with probability one half. */
function mix(value: number): number {
  let hash = imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}

/** Values with their shares; the shares sum to 1. */
export type Shares<T> = readonly (readonly [value: T, share: number])[];

/** A stream of random numbers: Chris Doty-Humphrey's sfc32. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, label: string, index = 0) {
    this.#a = hashOf(seed, label, index);
    this.#b = hashOf(this.#a, label, index);
    this.#c = hashOf(this.#b, label, index);
    for (let round = 0; round < 8; round++) this.bits();
  }

  /** 32 random bits, unsigned. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** From 0 (inclusive) to 1 (exclusive). */
  fraction(): number {
    return this.bits() / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both inclusive. */
  between(low: number, high: number): number {
    return low + floor(this.fraction() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[floor(this.fraction() * values.length)]!;
  }

  weighted<T>(shares: Shares<T>): T {
    let left = this.fraction();
    for (const [value, share] of shares) {
      left -= share;
      if (left < 0) return value;
    }
    return shares.at(-1)![0];
  }

  /** Eight hexadecimal digits. */
  hex(): string {
    return hex32(this.bits());
  }

  /** A UUID of version 4. */
  uuid(): string {
    const middle = this.bits();
    const variant = this.bits();
    const version4 = `${hex16(middle >>> 16)}-${hex16((middle & 0x0fff) | 0x4000)}`;
    return `${this.hex()}-${version4}-${hex16(((variant >>> 16) & 0x3fff) | 0x8000)}-${hex16(variant)}${this.hex()}`;
  }
}

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const hex16 = (bits: number): string => hexOfByte[(bits >>> 8) & 0xff]! + hexOfByte[bits & 0xff]!;

/** The eight hexadecimal digits of 32 bits. */
export const hex32 = (bits: number): string => hex16(bits >>> 16) + hex16(bits);

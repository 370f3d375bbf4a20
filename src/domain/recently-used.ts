/** A map of limited size, which forgets what was not asked for longest. */
export class RecentlyUsed<Value> {
  readonly #values = new Map<string, Value>();
  readonly #size: number;

  /** `size` is how many values are remembered. */
  constructor(size: number) {
    this.#size = size;
  }

  get(key: string): Value | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#size) this.#values.delete(this.#values.keys().next().value!);
  }

  clear(): void {
    this.#values.clear();
  }
}

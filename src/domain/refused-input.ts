/** Input that a person gave and that cannot be used. The message names the rule, then the value, then the way out. */
export class RefusedInput extends Error {
  override name = 'RefusedInput';
}

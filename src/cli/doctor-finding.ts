/** What one check of the doctor found. */
export interface Finding {
  check: string;
  /** `wrong` needs a person; `note` is worth knowing and no fault. */
  state: 'ok' | 'note' | 'wrong';
  found: string;
  /** What to do about it. */
  todo?: string;
}

/** Expected failure is data: one record in, one result out. */

/** Why a record was refused. `path` names the field; `value` is shown only where it can be no personal data. */
export interface Reason {
  path: string;
  rule: string;
  value?: string;
}

export type RejectionKind =
  | 'not_json'
  | 'not_csv'
  | 'too_long'
  | 'unknown_type'
  | 'unknown_version'
  | 'schema_violation'
  | 'currency_without_rate'
  | 'processing_failed'
  /** Kept its contract and broke a check of the clean layer. */
  | 'refused_by_gate';

export interface Rejection {
  kind: RejectionKind;
  /** The contract that refused it, where one was found. */
  contract?: string;
  reasons: Reason[];
}

export type Outcome<T> = { ok: true; value: T } | { ok: false; rejection: Rejection };

export const accepted = <T>(value: T): Outcome<T> => ({ ok: true, value });

export const rejected = (kind: RejectionKind, reasons: Reason[], contract?: string): Outcome<never> => ({
  ok: false,
  rejection: { kind, ...(contract && { contract }), reasons },
});

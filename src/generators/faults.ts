/** What can be planted in the generated files, and where each planted record must be found afterwards. */

export const faultNames = [
  /** Breaks its contract, or is no JSON or CSV at all. */
  'invalid',
  /** The same record again, byte for byte. */
  'duplicate',
  /** Another record under an id that is taken. */
  'conflict',
  /** Stands days after its time. */
  'late',
  /** Stands behind a younger neighbour. */
  'out_of_order',
  /** 25 ERROR logs of a service in a minute. */
  'error_burst',
  /** 6 failed logins of a person in five minutes. */
  'login_burst',
  /** A transaction event of more than 10,000. */
  'large_amount',
  /** Canary persons as customers, and their data where nobody expects them. */
  'personal_data',
  'unknown_type',
  'unknown_version',
  /** More than a stream's record or a file's row may hold. */
  'oversized',
  /** Names a product or an order that exists nowhere. */
  'orphan_reference',
  /** Keeps its contract and cannot be true: prices, discounts, times. */
  'out_of_range',
  /** A day inside the period without transactions. */
  'missing_day',
] as const;

export type Fault = (typeof faultNames)[number];

export type FileName = 'customers.csv' | 'products.csv' | 'transactions.csv' | 'events.jsonl';

export type RefusalKind =
  | 'not_json'
  | 'not_csv'
  | 'too_long'
  | 'unknown_type'
  | 'unknown_version'
  | 'schema_violation'
  | 'currency_without_rate';

/** Where a planted record must be found. */
export type Expectation =
  | { place: 'clean' }
  /** Left out of clean, since another record says the same, or is the one that counts. */
  | { place: 'duplicate' | 'superseded' }
  /** Refused at the door; by this contract, where one was found. */
  | { place: 'quarantine'; kind: RefusalKind; contract?: string }
  /** Over 1 MiB: the producer reports it and no stream takes it. */
  | { place: 'refused_by_stream' }
  /** Passes the doors; a check of this type sees it. */
  | { place: 'gate'; check: 'referential' | 'range' | 'row_count' }
  /** In clean; an anomaly rule fires on it, or on the burst that it belongs to. */
  | { place: 'alert'; rule: 'error_burst' | 'failed_logins' | 'large_amount' };

/** One planted record, named without personal data. */
export interface PlantedFault {
  fault: Fault;
  file: FileName;
  /** The first line is 1, a CSV's header included. Of a missing day, the line that stands where it should begin. */
  line: number;
  /** Event id, `transaction_id/line_no`, product id or missing date; absent where the record has none, and of customers. */
  id?: string;
  /** Number of the canary person or of the burst that the record belongs to, from 0. */
  group?: number;
  expect: Expectation;
}

export const clean: Expectation = { place: 'clean' };

export const refused = (kind: RefusalKind, contract?: string): Expectation => ({
  place: 'quarantine',
  kind,
  ...(contract && { contract }),
});

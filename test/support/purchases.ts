/** Purchases as a music shop exports them: no ids of their own, so that a mapping makes them. */
import type { Mapping } from '../../src/domain/files/mapping.ts';

export const purchaseMapping: Mapping = {
  columns: { customer_id: 'who', amount: 'paid', ordered_at: 'day' },
  constants: {
    line_no: '1',
    product_id: 'cd',
    quantity: '1',
    currency: 'USD',
    channel: 'web',
    country: 'US',
    payment_method: 'unknown',
  },
  formats: { ordered_at: 'yyyyMMdd' },
  rowId: 'transaction_id',
};

/** The file of these rows. */
export const purchasesOf = (rows: string[]): string => ['who,day,paid', ...rows, ''].join('\n');

/** The functions of the warehouse's stack: one row each, with what it uses and how much of it. */
import type { FunctionRow } from './pipeline-functions.ts';

export const warehouseFunctions = {
  /** Custom resource: makes and changes tables, users' rights and physical design. */
  'migrate-warehouse': {
    uses: { objects: {}, tables: {}, warehouse: 'migrate' },
    timeoutMinutes: 15,
    memoryMb: 512,
    mostCalls: 1,
  },
  /** Each week. */
  'maintain-warehouse': {
    uses: { objects: {}, tables: {}, warehouse: 'maintain' },
    timeoutMinutes: 15,
    memoryMb: 512,
    mostCalls: 2,
  },
  /** Each week. It reads no file of a table, and lists a million in some minutes. */
  'vacuum-lake': {
    uses: {
      objects: { 'snapshots/': ['read', 'delete'], 'clean/': ['delete'], 'curated/': ['delete'] },
      tables: {},
      warehouse: 'query',
    },
    timeoutMinutes: 15,
    memoryMb: 1024,
    mostCalls: 1,
  },
} as const satisfies Record<string, FunctionRow>;

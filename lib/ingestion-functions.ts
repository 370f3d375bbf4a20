/** The doors' functions: one row each, with what it uses and how much of it. */
import type { FunctionRow } from './pipeline-functions.ts';

/** One core of Lambda. */
const memoryMb = 1769;

export const ingestionFunctions = {
  /** Consumer A of the stream. */
  'archive-events': {
    uses: {
      objects: { 'raw/': ['read', 'write', 'delete'], 'quarantine/': ['read', 'write', 'delete'] },
      tables: { checkpoints: 'write', batches: 'write' },
      vault: true,
    },
    timeoutMinutes: 5,
    memoryMb,
    // One a shard, which the settings say.
    mostCalls: 1,
  },
  /** The door of files. */
  'ingest-batch': {
    uses: {
      objects: {
        'landing/': ['read', 'write', 'delete'],
        'mappings/': ['read'],
        'rates/': ['read'],
        'raw/': ['read', 'write'],
        'quarantine/': ['read', 'write'],
      },
      tables: { files: 'write', batches: 'write' },
      vault: true,
    },
    // A message that failed is hidden for six times as long, and a file goes on in another call anyway.
    timeoutMinutes: 5,
    memoryMb,
    mostCalls: 4,
  },
} as const satisfies Record<string, FunctionRow>;

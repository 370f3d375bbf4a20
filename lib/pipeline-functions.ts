/** The pipeline's functions: one row a task, with what it uses and how much of it. */
import type { Uses } from './permissions.ts';

export interface FunctionRow {
  uses: Uses;
  timeoutMinutes: number;
  memoryMb: number;
}

export const pipelineFunctions = {
  /** Takes the run lock, lists what is new, plans the clean layer. */
  'plan-run': {
    uses: {
      objects: {
        'raw/': ['read'],
        'plans/': ['read', 'write'],
        'snapshots/': ['read'],
        'rates/': ['read'],
        'serving/': ['read'],
        'exclusions/': ['read'],
      },
      tables: { runs: 'write', locks: 'write', files: 'read', batches: 'read' },
      warehouse: true,
    },
    timeoutMinutes: 15,
    memoryMb: 1024,
  },
  /** Judges what the engine's checks of one layer found. */
  'judge-quality': {
    uses: {
      objects: { 'plans/': ['read', 'write'], 'snapshots/': ['read'] },
      tables: { runs: 'read', locks: 'write' },
    },
    timeoutMinutes: 5,
    memoryMb: 512,
  },
  /** Brings rows that a gate refused into quarantine, and plans the clean layer without them. */
  'exclude-rows': {
    uses: {
      objects: {
        'raw/': ['read'],
        'plans/': ['read', 'write'],
        'snapshots/': ['read'],
        'rates/': ['read'],
        'exclusions/': ['read', 'write'],
        'quarantine/': ['read', 'write'],
        'clean/': ['read'],
      },
      tables: { batches: 'write', locks: 'write', vault: 'write' },
      quarantineKeys: true,
    },
    timeoutMinutes: 15,
    memoryMb: 1024,
  },
  'plan-curated': {
    uses: {
      objects: { 'plans/': ['read', 'write'], 'snapshots/': ['read'], 'rates/': ['read', 'write'] },
      tables: { locks: 'write' },
    },
    timeoutMinutes: 5,
    memoryMb: 1024,
  },
  'publish-snapshot': {
    uses: {
      objects: { 'plans/': ['read'], 'snapshots/': ['read', 'write'], 'exclusions/': ['read'] },
      tables: { locks: 'write' },
    },
    timeoutMinutes: 5,
    memoryMb: 1024,
  },
  /** Submits the load, or says how far it has come; the machine waits between the calls. */
  'load-warehouse': {
    uses: {
      objects: { 'plans/': ['read', 'write'], 'snapshots/': ['read'], 'loads/': ['read', 'write'] },
      tables: { locks: 'write' },
      warehouse: true,
    },
    timeoutMinutes: 5,
    memoryMb: 1024,
  },
  'publish-answers': {
    uses: {
      objects: { 'snapshots/': ['read'], 'serving/': ['read', 'write', 'delete'] },
      tables: { locks: 'write' },
      warehouse: true,
    },
    timeoutMinutes: 15,
    memoryMb: 1024,
  },
  /** Ends the run, however it went: record, quality report, alert, and the lock is free. */
  notify: {
    uses: {
      objects: {
        'plans/': ['read'],
        'snapshots/': ['read'],
        'exclusions/': ['read'],
        'reports/': ['read', 'write'],
        'clean/': ['delete'],
        'curated/': ['delete'],
      },
      tables: { runs: 'write', locks: 'write', alerts: 'write' },
      alerts: true,
    },
    timeoutMinutes: 5,
    memoryMb: 512,
  },
} as const satisfies Record<string, FunctionRow>;

export type PipelineTask = keyof typeof pipelineFunctions;

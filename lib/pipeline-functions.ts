/** The pipeline's functions: one row a task, with what it uses and how much of it. */
import type { Uses } from './permissions.ts';

export interface FunctionRow {
  uses: Uses;
  timeoutMinutes: number;
  memoryMb: number;
  /** Calls at the same time. A call that was given up may go on beside the one that is tried instead. */
  mostCalls: number;
}

/** A run does one step after the other, and there is one run. */
const mostCalls = 2;

/** Each step notes itself in the run's record and makes the run's lease as long as at first. */
const record = { runs: 'write', locks: 'write' } as const;

export const pipelineFunctions = {
  /** Takes the run lock, lists what is new, plans the clean layer. */
  'plan-run': {
    uses: {
      objects: {
        'plans/': ['read', 'write'],
        'snapshots/': ['read'],
        'exclusions/': ['read'],
        'rates/': ['read'],
        'serving/': ['read'],
      },
      tables: { ...record, files: 'read', batches: 'read' },
      warehouse: 'query',
    },
    timeoutMinutes: 15,
    memoryMb: 1024,
    mostCalls,
  },
  /** Judges what the engine's checks of one layer found. */
  'judge-quality': {
    uses: { objects: { 'plans/': ['read', 'write'], 'snapshots/': ['read'] }, tables: record },
    timeoutMinutes: 5,
    memoryMb: 1024,
    mostCalls,
  },
  /** Brings rows that a gate refused into quarantine, and plans the clean layer without them. */
  'exclude-rows': {
    uses: {
      objects: {
        'raw/': ['read'],
        'plans/': ['read', 'write'],
        'exclusions/': ['write'],
        'quarantine/': ['write'],
      },
      tables: record,
      vault: true,
    },
    timeoutMinutes: 15,
    memoryMb: 1024,
    mostCalls,
  },
  'plan-curated': {
    uses: {
      objects: { 'plans/': ['read', 'write'], 'snapshots/': ['read'], 'rates/': ['read', 'write'] },
      tables: {},
    },
    timeoutMinutes: 5,
    memoryMb: 1024,
    mostCalls,
  },
  'publish-snapshot': {
    uses: {
      // What gates refused is counted anew where records are made again.
      objects: { 'plans/': ['read'], 'snapshots/': ['read', 'write'], 'exclusions/': ['read'] },
      tables: record,
    },
    timeoutMinutes: 5,
    memoryMb: 1024,
    mostCalls,
  },
  /** Points the catalog to the snapshot, and works on the load for some minutes. */
  'load-warehouse': {
    uses: { objects: { 'snapshots/': ['read'] }, tables: record, warehouse: 'load', catalog: true },
    timeoutMinutes: 15,
    memoryMb: 1024,
    mostCalls,
  },
  'publish-answers': {
    uses: {
      objects: { 'snapshots/': ['read'], 'serving/': ['read', 'write', 'delete'] },
      tables: record,
      warehouse: 'query',
    },
    timeoutMinutes: 15,
    memoryMb: 1024,
    mostCalls,
  },
  /** Ends the run, however it went: record, quality report, alert, and the lock is free. */
  notify: {
    uses: {
      objects: {
        'plans/': ['read'],
        'snapshots/': ['read'],
        'reports/': ['read', 'write'],
        'clean/': ['delete'],
        'curated/': ['delete'],
      },
      tables: record,
      alerts: true,
    },
    timeoutMinutes: 5,
    memoryMb: 512,
    mostCalls,
  },
} as const satisfies Record<string, FunctionRow>;

export type PipelineTask = keyof typeof pipelineFunctions;

import type { BuildOptions, Metafile } from 'esbuild';

export const functionNames: string[];
export const bundleOptions: BuildOptions;
export function bundle(name: string, directory?: string): { outfile: string; metafile: Metafile };

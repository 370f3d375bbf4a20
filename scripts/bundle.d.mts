import type { BuildOptions, Metafile } from 'esbuild';

export const functionNames: string[];
export const bundleOptions: BuildOptions;
export function bundleSync(name: string, outfile: string): void;
export function bundle(name: string, directory?: string): Promise<{ outfile: string; metafile: Metafile }>;

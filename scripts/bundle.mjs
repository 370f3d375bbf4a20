// Bundles each function of lambdas/ into dist/lambdas/<name>/index.mjs: one ES module with all that it needs, its AWS
// clients included. The text is the same for every processor architecture. Run by: npm run bundle [-- <name> …]
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { root } from './pinned.mjs';

export const functionNames = readdirSync(join(root, 'lambdas'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length));

/** How functions are bundled; whoever gives other entries bundles them alike. */
export const bundleOptions = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  // Packages that were written for CommonJS call require, which an ES module does not have.
  banner: { js: `import{createRequire}from'node:module';const require=createRequire(import.meta.url);` },
};

/**
 * Bundles one function into a folder, with `sql/` where it reads SQL files; at once, since the CDK waits for nothing. Returns
 * the path of its module and esbuild's account of what went into it.
 */
export function bundle(name, directory = join(root, 'dist/lambdas', name)) {
  const outfile = join(directory, 'index.mjs');
  const { metafile } = buildSync({
    ...bundleOptions,
    entryPoints: [join(root, 'lambdas', `${name}.ts`)],
    outfile,
    metafile: true,
  });
  if ('src/adapters/sql-directory.ts' in metafile.inputs) {
    cpSync(join(root, 'sql'), join(directory, 'sql'), { recursive: true });
  }
  return { outfile, metafile };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const names = process.argv.slice(2);
  for (const name of names.length > 0 ? names : functionNames) {
    const { outfile, metafile } = bundle(name);
    const [{ bytes }] = Object.values(metafile.outputs);
    process.stdout.write(`${name}: ${Math.round(bytes / 1000)} kB in ${outfile}\n`);
  }
}

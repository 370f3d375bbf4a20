// Bundles each function of lambdas/ into dist/lambdas/<name>/index.mjs: one ES module with all that it needs, its AWS
// clients included. The text is the same for every processor architecture. Run by: npm run bundle [-- <name> …]
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, buildSync } from 'esbuild';
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

const entryOf = (name) => join(root, 'lambdas', `${name}.ts`);

/** Bundles one function into a file, at once: the CDK waits for nothing. */
export function bundleSync(name, outfile) {
  buildSync({ ...bundleOptions, entryPoints: [entryOf(name)], outfile });
}

/** Bundles one function, and returns the path of its module and esbuild's account of what went into it. */
export async function bundle(name, directory = join(root, 'dist/lambdas')) {
  const outfile = join(directory, name, 'index.mjs');
  const { metafile } = await build({
    ...bundleOptions,
    entryPoints: [entryOf(name)],
    outfile,
    metafile: true,
  });
  return { outfile, metafile };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const names = process.argv.slice(2);
  for (const name of names.length > 0 ? names : functionNames) {
    const { outfile, metafile } = await bundle(name);
    const [{ bytes }] = Object.values(metafile.outputs);
    process.stdout.write(`${name}: ${Math.round(bytes / 1000)} kB in ${outfile}\n`);
  }
}

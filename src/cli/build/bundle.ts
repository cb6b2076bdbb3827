// What the images carry: each program as one file with its dependencies in it, which starts sooner and needs less memory
// than the many files that it is made from.
import { join } from 'node:path';
import { build } from 'esbuild';

/** Programs by name, with the file that each begins in, relative to the root of the repository. */
export const programs = {
  operator: 'src/operator/main.ts',
  gateway: 'src/gateway/main.ts',
  pull: 'src/puller/main.ts',
  // A thread of the pull, which finds it beside itself by this name.
  hashWorker: 'src/models/hashWorker.ts',
  foundryLocal: 'src/foundryLocal/main.ts',
  // Not run by any pod: for people who have the image and no checkout.
  lmd: 'src/cli/main.ts',
} as const;

/** CommonJS dependencies in an ES module call `require`, which it does not have. */
const requireForDependencies =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";

type Program = keyof typeof programs;

/**
 * By itself: parts that several programs share would hold what any of them needs, and each would load all of it. A pull starts
 * with a seventh less CPU time this way.
 */
async function bundleOne(root: string, folder: string, name: Program): Promise<readonly [Program, string]> {
  await build({
    absWorkingDir: root,
    entryPoints: { [name]: programs[name] },
    outdir: folder,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // So that client-node, which only a kubeconfig needs, stays on disk until then.
    splitting: true,
    chunkNames: 'parts/[name]-[hash]',
    sourcemap: 'linked',
    sourcesContent: false,
    // Node holds the text of what it has loaded; without comments it is half as large, and each character one byte.
    minifyWhitespace: true,
    legalComments: 'none',
    banner: { js: requireForDependencies },
    logLevel: 'warning',
  });
  return [name, join(folder, `${name}.js`)];
}

/**
 * Writes `<name>.js` with its source map for each program into `folder`, and the parts that are loaded late beside them.
 * Resolves with the paths by name; rejects with esbuild's words.
 */
export async function bundle(root: string, folder: string): Promise<Record<Program, string>> {
  const names = Object.keys(programs) as Program[];
  const paths = await Promise.all(names.map((name) => bundleOne(root, folder, name)));
  return Object.fromEntries(paths) as Record<Program, string>;
}

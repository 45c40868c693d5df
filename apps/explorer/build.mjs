// Builds the page into packages/cli/page, from which the command serves and exports it: node build.mjs
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * The embedded encoder as browsers take it: a script that leaves a global. It brings half of Node along, with addresses
 * of other people's pages in it that nothing asks for.
 */
const h264 = {
  name: 'h264',
  setup(build) {
    build.onLoad({ filter: /h264-mp4-encoder\.web\.js$/ }, async ({ path }) => ({
      contents: `var window = self;\n${(await readFile(path, 'utf8')).replace(/https?:\/\/(?!www\.w3\.org)[\w.]+/g, '')}\nmodule.exports = HME;`,
    }));
  },
};

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const target = here('../../packages/cli/page');

/** Builds into a folder and returns what went into it, as esbuild tells it. */
export async function buildPage(folder = target) {
  // Tests of several projects may read the page while another builds it: it is there, or whole.
  const beside = `${folder}.${process.pid}`;
  await rm(beside, { recursive: true, force: true });
  await mkdir(beside, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: here('.'),
    entryPoints: [
      { in: 'src/main.tsx', out: 'app' },
      { in: 'src/search/worker.ts', out: 'search-worker' },
      { in: 'src/state/cluster-worker.ts', out: 'cluster-worker' },
      { in: 'src/export/movie-worker.ts', out: 'movie-worker' },
      { in: 'src/app.css', out: 'app' },
    ],
    outdir: beside,
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    metafile: true,
    target: 'es2022',
    platform: 'browser',
    conditions: ['@deepearth/source'],
    alias: {
      'node:zlib': here('src/export/zlib.ts'),
      'h264-mp4-encoder': here('../../node_modules/h264-mp4-encoder/embuild/dist/h264-mp4-encoder.web.js'),
    },
    plugins: [h264],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
  });
  await cp(here('src/index.html'), `${beside}/index.html`);
  await writeFile(`${beside}/licences.txt`, await licences());
  await rm(folder, { recursive: true, force: true });
  await rename(beside, folder);
  return metafile;
}

/** The licences of what is bundled. */
async function licences() {
  const packages = ['preact', '@preact/signals', '@preact/signals-core', 'world-atlas', 'gifenc', 'h264-mp4-encoder'];
  const texts = packages.map(async (name) => {
    const folder = new URL(`../../node_modules/${name}/`, import.meta.url);
    const text = await readFile(new URL('LICENSE', folder), 'utf8').catch(() =>
      readFile(new URL('LICENSE.md', folder), 'utf8'),
    );
    return `${name}\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join('\n\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPage();

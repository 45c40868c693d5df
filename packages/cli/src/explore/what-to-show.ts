// Finds what `deepearth explore` shows in what it was given: a bundle that is there, or files to make one of.

import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import type { Manifest, ManifestOutput } from '@deepearth/core/manifest';
import { manifestName } from '@deepearth/core/safe-path';
import { readManifest } from '@deepearth/core/read-manifest';
import { folderStore } from '@deepearth/runtime/folder-store';

/** What there is to show. */
export type Shown =
  /** A folder with an `index.json` that `sink/explorer` wrote. */
  | { readonly bundle: string }
  | {
      /** A file or a folder for `source/features`. */
      readonly tokens: string;
      /** Files of projections, by reducer. */
      readonly projections: ReadonlyMap<string, readonly string[]>;
      /** Folders with tokens that are not shown. */
      readonly others: readonly string[];
      readonly name: string;
    };

/** Where a bundle lies in what was given: that of a run, an exported site, the bundle itself. */
const places = ['explorer', 'data', '.'];

/** Throws an `InputError` where there is nothing. */
export async function whatToShow(path: string): Promise<Shown> {
  if (!existsSync(path))
    throw new InputError(path, 'there is no such file or folder.', {
      code: 'E_FILE_MISSING',
      remedy: 'Name the output folder of a run.',
    });
  const name =
    path
      .replace(/[\\/]+$/, '')
      .split(/[\\/]/)
      .at(-1) || 'run';
  if (!statSync(path).isDirectory()) return { tokens: path, projections: new Map(), others: [], name };
  const manifest = existsSync(join(path, manifestName)) ? await readManifest(folderStore(path)) : undefined;
  const bundle = [...bundlesOf(manifest), ...places]
    .map((place) => join(path, place))
    .find((folder) => existsSync(join(folder, 'index.json')) && existsSync(join(folder, 'tokens')));
  if (bundle) return { bundle };
  if (!manifest) return { tokens: path, projections: new Map(), others: [], name };
  const [tokens, ...others] = tokenFolders(manifest);
  if (tokens === undefined)
    throw new InputError(path, 'holds no tokens: its run wrote none to files.', {
      code: 'E_NO_FEATURES',
      remedy: 'Put `sink/explorer` or `sink/features` behind its encoder and run it again.',
    });
  return {
    tokens: join(path, tokens),
    projections: projectionFiles(path, manifest),
    others,
    name: manifest.name,
  };
}

/** The tokens as the encoder made them; the bundle only where there are no others. Throws an `InputError` where there is neither. */
export async function tokensOrBundle(path: string): Promise<Shown> {
  const shown = await whatToShow(path);
  if (!('bundle' in shown)) return shown;
  const manifest = existsSync(join(path, manifestName)) ? await readManifest(folderStore(path)) : undefined;
  if (!manifest) return shown;
  const [tokens, ...others] = tokenFolders(manifest);
  if (tokens === undefined) return shown;
  return { tokens: join(path, tokens), projections: new Map(), others, name: manifest.name };
}

/** Folders of bundles that a run wrote, relative to it. */
function bundlesOf(manifest: Manifest | undefined): string[] {
  const types = new Map(manifest?.stages.map(({ id, type }) => [id, type]));
  return (manifest?.outputs ?? [])
    .filter(({ stage, path }) => types.get(stage) === 'sink/explorer' && basename(path) === 'index.json')
    .map(({ path }) => dirname(path));
}

const readable = /\.(safetensors|pt)$/;

/** Folders with files of tokens, relative to the run, one for each stage that wrote some. */
function tokenFolders({ outputs }: Manifest): string[] {
  const byStage = new Map<string, string>();
  for (const { stage, path, about } of outputs) {
    if (about?.kind !== 'tokens' || !readable.test(path)) continue;
    const before = byStage.get(stage);
    byStage.set(stage, before === undefined ? dirname(path) : shared(before, dirname(path)));
  }
  return [...new Set(byStage.values())];
}

/** The folder that both lie in. */
function shared(a: string, b: string): string {
  let folder = a;
  while (folder !== '.' && relative(folder, b).startsWith('..')) folder = dirname(folder);
  return folder;
}

function projectionFiles(root: string, { outputs }: Manifest): Map<string, string[]> {
  const found = new Map<string, ManifestOutput[]>();
  for (const output of outputs) {
    if (output.about?.kind !== 'projection' || !output.path.endsWith('.safetensors')) continue;
    const name = `${output.about.reducer ?? ''} ${output.stage}`;
    found.set(name, [...(found.get(name) ?? []), output]);
  }
  const first = ({ about }: ManifestOutput): number => about?.frames?.[0] ?? 0;
  return new Map(
    [...found].map(([name, files]) => [
      name,
      files
        .sort((a, b) => order(a.about?.sequence ?? '', b.about?.sequence ?? '') || first(a) - first(b))
        .map(({ path }) => join(root, path)),
    ]),
  );
}

/** As `source/features` orders sequences. */
const order = new Intl.Collator('en', { numeric: true }).compare;

// Finds what `deepearth explore` shows in what it was given: a bundle that is there, or files to make one of.

import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { entriesIn, readBooks } from '@deepearth/core/former-run';
import type { Manifest, ManifestOutput } from '@deepearth/core/manifest';
import { manifestName } from '@deepearth/core/safe-path';
import { readManifest } from '@deepearth/core/read-manifest';
import { folderStore } from '@deepearth/runtime/folder-store';
import { readOverview } from '@deepearth/runtime/read-overview';

/** Files that the page can be made of. */
export interface ShownTokens {
  /** A file or a folder for `source/features`. */
  readonly tokens: string;
  /** Files of projections, by reducer. */
  readonly projections: ReadonlyMap<string, readonly string[]>;
  /** Folders with tokens that are not shown. */
  readonly others: readonly string[];
  readonly name: string;
  /** Changes with every file of tokens that the run names. */
  readonly written: string;
  /** Whether it goes, and may write more. */
  readonly live: boolean;
}

/** What there is to show. */
export type Shown =
  /** A folder with an `index.json` that `sink/explorer` wrote. */
  | { readonly bundle: string }
  | ShownTokens
  /** Nothing yet: the run goes, and has written no tokens. */
  | { readonly waiting: true };

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
  const plain = { tokens: path, projections: new Map(), others: [], name, written: '', live: false };
  if (!statSync(path).isDirectory()) return plain;
  const live = await liveRun(path);
  const manifest = live ?? (existsSync(join(path, manifestName)) ? await readManifest(folderStore(path)) : undefined);
  const bundle = [...bundlesOf(manifest), ...places]
    .map((place) => join(path, place))
    .find((folder) => existsSync(join(folder, 'index.json')) && existsSync(join(folder, 'tokens')));
  // One that a run which goes is about to replace is of an earlier run.
  if (bundle && !live) return { bundle };
  if (!manifest) return plain;
  const [tokens, ...others] = tokenFolders(manifest);
  if (tokens === undefined && live?.goes) return { waiting: true };
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
    written: digestOf(manifest.outputs.filter(isTokens)),
    live: live?.goes ?? false,
  };
}

/**
 * The tokens as the encoder made them; the bundle only where there are no others. Throws an `InputError` where there is
 * neither, and for a run that goes.
 */
export async function tokensOrBundle(path: string): Promise<ShownTokens | { readonly bundle: string }> {
  const shown = await whatToShow(path);
  if ('waiting' in shown || ('live' in shown && shown.live))
    throw new InputError(path, 'belongs to a run that goes.', { code: 'E_RUNNING', remedy: 'Wait for its end.' });
  if (!('bundle' in shown)) return shown;
  const manifest = existsSync(join(path, manifestName)) ? await readManifest(folderStore(path)) : undefined;
  if (!manifest) return shown;
  const [tokens, ...others] = tokenFolders(manifest);
  if (tokens === undefined) return shown;
  return {
    tokens: join(path, tokens),
    projections: new Map(),
    others,
    name: manifest.name,
    written: digestOf(manifest.outputs.filter(isTokens)),
    live: false,
  };
}

/** What is looked at of a manifest. */
type Written = Pick<Manifest, 'name' | 'outputs'> & {
  readonly stages: readonly Pick<Manifest['stages'][number], 'id' | 'type'>[];
};

/** What a run that goes, or that was killed, has written so far; `undefined` where none does. */
async function liveRun(path: string): Promise<(Written & { readonly goes: boolean }) | undefined> {
  const overview = await readOverview(path).catch(() => undefined);
  if (overview?.status !== 'running' && overview?.status !== 'interrupted') return undefined;
  // A run that resumes keeps what earlier ones wrote, and only they named it.
  const books = await readBooks(folderStore(path));
  const stages = new Set(overview.stages.map(({ id }) => id));
  const outputs = [...entriesIn(books).values()].filter(({ stage }) => stages.has(stage));
  return { name: overview.name, stages: overview.stages, outputs, goes: overview.status === 'running' };
}

/** Folders of bundles that a run wrote, relative to it. */
function bundlesOf(manifest: Written | undefined): string[] {
  const types = new Map(manifest?.stages.map(({ id, type }) => [id, type]));
  return (manifest?.outputs ?? [])
    .filter(({ stage, path }) => types.get(stage) === 'sink/explorer' && basename(path) === 'index.json')
    .map(({ path }) => dirname(path));
}

const readable = /\.(safetensors|pt)$/;

const isTokens = ({ path, about }: ManifestOutput): boolean => about?.kind === 'tokens' && readable.test(path);

function digestOf(outputs: readonly ManifestOutput[]): string {
  const hash = createHash('sha256');
  for (const { path, sha256 } of outputs) hash.update(`${path} ${sha256}\n`);
  return hash.digest('hex');
}

/** Folders with files of tokens, relative to the run, one for each stage that wrote some. */
function tokenFolders({ outputs }: Written): string[] {
  const byStage = new Map<string, string>();
  for (const { stage, path } of outputs.filter(isTokens)) {
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

function projectionFiles(root: string, { outputs }: Written): Map<string, string[]> {
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

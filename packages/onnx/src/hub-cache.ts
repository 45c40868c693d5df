// The Hub's cache folder on disk, laid out so that Python's huggingface_hub finds what is here and the other way round.

import { copyFile, lstat, mkdir, readdir, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { readTextFile } from '@deepearth/core/regular-file';
import { writeFileWhole } from '@deepearth/formats/write-file-node';

/**
 * One repository's part of the cache: `blobs` by digest, `snapshots` of links by commit, `refs` from names to commits.
 */
export interface RepositoryCache {
  readonly folder: string;
  /** For lock files, beside the repositories. */
  readonly locks: string;
}

export const repositoryCache = (cache: string, name: string): RepositoryCache => {
  const folder = `models--${name.replaceAll('/', '--')}`;
  return { folder: join(cache, folder), locks: join(cache, '.locks', folder) };
};

export const blobPath = ({ folder }: RepositoryCache, digest: string): string => join(folder, 'blobs', digest);
export const snapshotFolder = ({ folder }: RepositoryCache, commit: string): string =>
  join(folder, 'snapshots', commit);

export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

/** The commit that a branch or tag pointed to when it was last asked for. */
export async function knownCommit({ folder }: RepositoryCache, revision: string): Promise<string | undefined> {
  if (isCommit(revision)) return revision;
  const text = await readTextFile(join(folder, 'refs', revision)).catch(() => '');
  return isCommit(text.trim()) ? text.trim() : undefined;
}

export async function rememberCommit(cache: RepositoryCache, revision: string, commit: string): Promise<void> {
  if (isCommit(revision) || (await knownCommit(cache, revision)) === commit) return;
  await writeFileWhole(join(cache.folder, 'refs', revision), [new TextEncoder().encode(commit)]);
}

/**
 * Puts a blob into a snapshot under its name: a relative link, a copy where the system has none (Windows without the
 * right to make links).
 */
export async function linkBlob(cache: RepositoryCache, commit: string, file: string, digest: string): Promise<void> {
  const pointer = join(snapshotFolder(cache, commit), file);
  const blob = blobPath(cache, digest);
  if (await isFile(pointer)) return;
  await mkdir(dirname(pointer), { recursive: true });
  // A link that leads nowhere is in the way.
  await rm(pointer, { force: true });
  await symlink(relative(dirname(pointer), blob), pointer).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST' && (await isFile(pointer))) return;
    if (error.code === 'EPERM' || error.code === 'ENOSYS' || error.code === 'ENOTSUP') return copyFile(blob, pointer);
    throw error;
  });
}

/** True for a file that is there, through links. */
export const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (about) => about.isFile(),
    () => false,
  );

/** A file of weights in a folder: the one, or the shards that its index names; `undefined` where one is missing. */
export async function weightsIn(folder: string): Promise<string[] | undefined> {
  if (await isFile(join(folder, 'model.safetensors'))) return ['model.safetensors'];
  const shards = await shardsIn(join(folder, 'model.safetensors.index.json'));
  if (!shards) return undefined;
  for (const shard of shards) if (!(await isFile(join(folder, shard)))) return undefined;
  return shards;
}

/** Names of the shards that an index lists, plain file names only; `undefined` where there is no readable index. */
export async function shardsIn(index: string): Promise<string[] | undefined> {
  const text = await readTextFile(index).catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { weight_map: map } = JSON.parse(text) as { weight_map?: Record<string, unknown> };
    const names = [...new Set(Object.values(map ?? {}))];
    return names.length &&
      names.every((name): name is string => typeof name === 'string' && /^[\w.-]+\.safetensors$/.test(name))
      ? names
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The files of a complete model in a snapshot (config and weights), relative; `undefined` when something is missing.
 */
export async function completeSnapshot(folder: string): Promise<string[] | undefined> {
  if (!(await isFile(join(folder, 'config.json')))) return undefined;
  return weightsIn(folder).then((weights) => weights && ['config.json', ...weights]);
}

/** All models in a cache, complete or not. */
export async function listCached(
  cache: string,
): Promise<{ name: string; revision: string | undefined; folder: string | undefined; bytes: number }[]> {
  const folders = (await readdir(cache).catch(() => [])).filter((entry) => entry.startsWith('models--')).sort();
  return Promise.all(
    folders.map(async (entry) => {
      const [, organisation = '', ...rest] = entry.split('--');
      const name = [organisation, rest.join('--')].filter(Boolean).join('/');
      const own = repositoryCache(cache, name);
      const commit = await knownCommit(own, 'main');
      const folder = commit === undefined ? undefined : snapshotFolder(own, commit);
      const complete = folder !== undefined && (await completeSnapshot(folder)) !== undefined;
      return {
        name,
        revision: commit,
        folder: complete ? folder : undefined,
        bytes: await bytesIn(join(own.folder, 'blobs')),
      };
    }),
  );
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder).catch(() => []))
    bytes += (await lstat(join(folder, entry)).catch(() => undefined))?.size ?? 0;
  return bytes;
}

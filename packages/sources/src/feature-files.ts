// Lists the token files of a folder, and opens one by its header.

import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError, type ByteSource } from '@deepearth/core';
import { openFile } from '@deepearth/formats/file-source-node';
import { openPt } from '@deepearth/formats/pt';
import { openSafetensors } from '@deepearth/formats/safetensors';
import { openTokenFile } from '@deepearth/formats/token-file';
import { byName } from './picture-folder.ts';
import { pythonGrids } from './python-grids.ts';
import type { StoredGrid } from './stored-grid.ts';

/** A file that may hold tokens. */
export interface FeatureFile {
  readonly path: string;
  /** The sequence of tokens that do not name theirs: the folder of the file, relative to the one that was given. */
  readonly sequence: string;
}

/**
 * The `.safetensors` and `.pt` files of a folder and the folders in it (hidden ones aside), in natural order of names;
 * the file itself where `path` is one. Throws an `InputError` where there is none.
 */
export async function listFeatureFiles(path: string): Promise<readonly FeatureFile[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new InputError(path, 'there is no such file or folder.', { code: 'E_FILE_MISSING', cause });
  });
  if (!found.isDirectory()) return [{ path, sequence: 'frames' }];
  const names = (await readdir(path, { recursive: true }))
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /\.(safetensors|pt)$/.test(name) && !name.split('/').some((part) => part.startsWith('.')))
    .sort(byName);
  if (names.length === 0)
    throw new InputError(path, 'holds no .safetensors or .pt files.', {
      code: 'E_NO_FEATURES',
      remedy: 'Name the folder that sink/features wrote, or one of its files.',
    });
  return names.map((name) => {
    const folder = dirname(name);
    return { path: join(path, name), sequence: folder === '.' ? 'frames' : folder };
  });
}

/** A chunk of the image extractor is numbered, and its pictures come behind those of the chunks before it. */
const chunkRoom = 1_000_000;

/**
 * The grids of an open file, none where it holds an embedding or a projection. Reads its header (of a .pt file its
 * pickle). Throws an `InputError` for a file that is damaged or of another kind.
 */
export async function gridsOf(
  source: ByteSource,
  { path, sequence }: FeatureFile,
  signal?: AbortSignal,
): Promise<readonly StoredGrid[]> {
  if (path.endsWith('.pt')) {
    const chunk = Number(/_chunk_(\d+)\.pt$/.exec(basename(path))?.[1] ?? 0);
    return pythonGrids(await openPt(source, signal), sequence, chunk * chunkRoom);
  }
  const { metadata } = await openSafetensors(source, signal);
  if (metadata.has('deepearth.embedding') || metadata.has('deepearth.projection')) return [];
  return [{ name: '', ...(await openTokenFile(source, signal)) }];
}

/** Opens a file, hands it on and closes it. */
export async function withFile<T>(path: string, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const source = await openFile(path);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

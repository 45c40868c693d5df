// Makes readable frames of those that a token file names.

import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { frameId, lineage, readableFrame, sha256, type Frame, type Locator, type LocatorReader } from '@deepearth/core';
import { readPictureFile } from '@deepearth/vision/picture-file';
import { frameKey } from './frame-file.ts';
import { unlistable } from './picture-folder.ts';
import type { StoredFrame } from './stored-grid.ts';

/** Finds pictures of a folder by what was stored of them. */
export type FindPicture = (uri: string) => string | undefined;

/** The parts of a path, last first; either slash parts them. */
const partsOf = (path: string): string[] => path.split(/[\\/]/).reverse();

/**
 * Lists a folder and the folders in it. A picture is found by its file name; of several with that name the one whose
 * folders agree most. Throws an `InputError` where the folder cannot be listed.
 */
export async function pictureFinder(folder: string | undefined): Promise<FindPicture> {
  if (folder === undefined) return () => undefined;
  const names = await readdir(folder, { recursive: true }).catch(async (cause: unknown) => {
    throw await unlistable(folder, cause);
  });
  const byFile = new Map<string, string[]>();
  for (const name of names.sort()) {
    const file = basename(name);
    byFile.set(file, [...(byFile.get(file) ?? []), name]);
  }
  return (uri) => {
    const wanted = partsOf(uri);
    const agreement = (name: string): number => {
      const parts = partsOf(name);
      const differs = parts.findIndex((part, index) => part !== wanted[index]);
      return differs < 0 ? parts.length : differs;
    };
    const [best] = (byFile.get(wanted[0]!) ?? []).sort((a, b) => agreement(b) - agreement(a));
    return best === undefined ? undefined : join(folder, best);
  };
}

export interface FrameReviver {
  readonly find: FindPicture;
  readonly severalSequences: boolean;
  readonly signal: AbortSignal;
  /** Called for a picture that is named and not found. */
  lost(uri: string): void;
  readonly read: LocatorReader;
}

/** What a file of pictures is, for frames of which a token file keeps no more than a name. */
type Seen = Pick<Frame, 'key' | 'width' | 'height' | 'locator'>;

/**
 * Whether a locator names a file or folder that is not there; addresses and what a source makes itself are not looked
 * at.
 */
export const isGone = (uri: string): boolean => !/^[a-z][a-z\d+.-]+:/i.test(uri) && !existsSync(uri);

/**
 * Makes frames of stored ones. Those that were stored whole keep their key, and their digest is proven when they are
 * read; of those that were stored by name the file is read for its size and digest, and where there is none the frame
 * has the size `lostSize` and throws when it is read.
 */
export function reviveFrames({ find, severalSequences, signal, lost, read }: FrameReviver) {
  const known = new Map<string, Promise<Seen>>();
  /** The last that was looked for: frames of one video follow each other. */
  let looked: string | undefined;

  function whole(as: Locator): Locator {
    const uri = find(as.uri) ?? as.uri;
    if (uri !== looked && isGone((looked = uri))) lost(uri);
    return { ...as, uri };
  }

  async function look(uri: string, file: string, lostSize: { width: number; height: number }): Promise<Seen> {
    const path = find(uri) ?? [uri, join(dirname(file), uri)].find((candidate) => existsSync(candidate));
    if (path === undefined) {
      lost(uri);
      return { key: lineage('lost frame', uri), ...lostSize, locator: { source: 'source/frames', uri } };
    }
    const { bytes, width, height } = await readPictureFile(path, { signal });
    const digest = sha256(bytes);
    const locator: Locator = { source: 'source/frames', uri: path, sha256: digest };
    return { key: frameKey(digest, { values: 'uint8' }), width, height, locator };
  }

  return async (
    { read: _, ...stored }: StoredFrame & { readonly read?: unknown },
    sequence: string,
    file: string,
    lostSize: { readonly width: number; readonly height: number },
  ): Promise<Frame> => {
    const { key, width, height, number, locator: as } = stored;
    const name = `${sequence}\n${as.uri}`;
    const seen =
      key !== undefined && width !== undefined && height !== undefined
        ? { key, width, height, locator: whole(as) }
        : ((await known.get(name)?.catch(() => undefined)) ??
          (await (known.set(name, look(as.uri, file, lostSize)), known.get(name)!)));
    const id = frameId(sequence, number, severalSequences);
    return readableFrame({ ...stored, ...seen, kind: 'frame', id, sequence }, read);
  };
}

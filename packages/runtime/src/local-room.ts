// Room on this machine for a run whose results go elsewhere: a temporary folder, made when it is needed.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileError } from '@deepearth/core/file-trouble';
import type { Scratch } from '@deepearth/core/stage';
import { fileScratch } from './file-scratch.ts';

/** A temporary folder of one run. */
export interface LocalRoom {
  scratch(name: string): Promise<Scratch & { close(): Promise<void> }>;
  folder(name: string): Promise<string>;
  /** Removes everything; what is asked for afterwards is made anew. */
  remove(): Promise<void>;
}

/** Nothing is made before it is asked for. Throws an `InputError` where the system refuses it. */
export function localRoom(): LocalRoom {
  let made: Promise<string> | undefined;
  const place = async (name: string, isFolder: boolean): Promise<string> => {
    try {
      const path = join(await (made ??= mkdtemp(join(tmpdir(), 'deepearth-run-'))), name);
      await mkdir(isFolder ? path : dirname(path), { recursive: true });
      return path;
    } catch (error) {
      throw fileError(error);
    }
  };
  return {
    scratch: async (name) => fileScratch(await place(`${name}.scratch`, false)),
    folder: (name) => place(name, true),
    async remove() {
      const path = await made?.catch(() => undefined);
      made = undefined;
      if (path !== undefined) await rm(path, { recursive: true, force: true });
    },
  };
}

// The schema of options that name what a stage writes.

import { z } from 'zod';
import { unsafeBecause } from './safe-path.ts';

/**
 * A name for a file or folder inside the output folder, or for a part of it: a mistake is found at its place in the
 * pipeline, before anything runs.
 */
export const outputPath = () =>
  z
    .string()
    .min(1)
    .refine((path) => unsafeBecause(path) === undefined, { error: ({ input }) => unsafeBecause(input as string)! });

/** The same for a folder, which may be the output folder itself: ".". */
export const outputFolder = () =>
  z
    .string()
    .min(1)
    .refine((path) => path === '.' || unsafeBecause(path) === undefined, {
      error: ({ input }) => unsafeBecause(input as string)!,
    });

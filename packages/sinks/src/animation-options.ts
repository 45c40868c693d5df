// Options that animated WebP and PNG have in common.

import { outputFolder } from '@deepearth/core';
import { z } from 'zod';

/** Pictures per second. */
export const fpsOption = z
  .number()
  .min(0.001)
  .max(60)
  .default(12)
  .describe('Pictures per second, up to 60: browsers slow down much faster ones.');

/** Whether it plays again. */
export const loopOption = z.boolean().default(true).describe('Play again and again, or once.');

/** Where the files go. */
export const directoryOption = (usualFolder: string) =>
  outputFolder()
    .default(usualFolder)
    .describe(
      'Folder inside the output folder, "." for that itself. Where another stage would write the same names, it is the id of the stage.',
    );

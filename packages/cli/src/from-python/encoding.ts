// The stages from frames to `.pt` files that all commands of the Python scripts share.

import { parseWhole } from '../parse-number.ts';
import { filePattern } from './file-pattern.ts';
import type { StageEntry } from './pipeline-file.ts';

/** The checkpoint that the scripts took unless told otherwise. */
export const usualModel = 'facebook/vjepa2-vitg-fpc64-384';

/** Flags of everything that encodes. */
export interface EncodingFlags {
  readonly model: string;
  readonly device: string;
  /** False for `--no-fp16`. */
  readonly fp16: boolean;
}

/** "cuda:0,cuda:1" as a list, one as itself. */
const devicesOf = (device: string): string | string[] => {
  const all = device.split(',').map((name) => name.trim());
  return all.length === 1 ? all[0]! : all;
};

/**
 * The encoder: tokens in float16 unless `--no-fp16`. A CPU multiplies in float32 whatever the weights are kept in, so
 * they are read there as they are.
 */
export function encoderStage({ model, device, fp16 }: EncodingFlags, batchSize?: number): StageEntry {
  const devices = devicesOf(device);
  const cpu = [devices].flat().every((name) => name === 'cpu');
  return {
    id: 'tokens',
    type: 'encoder/vjepa2',
    with: {
      model,
      device: devices,
      precision: fp16 && !cpu ? 'fp16' : 'fp32',
      tokens: fp16 ? 'float16' : 'float32',
      ...(batchSize !== undefined && { batchSize }),
    },
  };
}

/** Flags of commands that read the frames of one sequence. */
export interface FrameFlags {
  readonly frameDir: string;
  readonly framePattern?: string;
  readonly firstFrame?: string;
  readonly lastFrame?: string;
  readonly stride: string;
  readonly batchSize: string;
}

/** Numbered frames in windows of 16; frames at the end that fill none are left out, and it is said. */
export function frameStages({ frameDir, framePattern, firstFrame, lastFrame, stride }: FrameFlags): StageEntry[] {
  return [
    {
      id: 'frames',
      type: 'source/frames',
      with: {
        directory: frameDir,
        order: 'number',
        ...(framePattern !== undefined && { pattern: filePattern(framePattern) }),
        ...(firstFrame !== undefined && { first: parseWhole('--first-frame', firstFrame, 0) }),
        ...(lastFrame !== undefined && { last: parseWhole('--last-frame', lastFrame, 0) }),
      },
    },
    {
      id: 'clips',
      type: 'windower/sliding',
      with: { size: 16, stride: parseWhole('--stride', stride), tail: 'drop' },
    },
  ];
}

/** How many windows are encoded in one call. */
export const batchOf = ({ batchSize }: Pick<FrameFlags, 'batchSize'>): number => parseWhole('--batch-size', batchSize);

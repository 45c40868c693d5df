// `deepearth model info`: what a checkpoint is and what a clip costs with it.

import { modelInfo, renderModelInfo } from '@deepearth/onnx/model-info';
import { exitCodes } from '../exit-codes.ts';
import { modelFamilies } from '../model-families.ts';
import { parseSize, parseWhole } from '../parse-number.ts';
import { print, printJson } from '../print.ts';

export interface InfoFlags {
  readonly frames?: string;
  readonly size?: string;
  readonly batch?: string;
  readonly json?: boolean;
}

export async function modelInfoCommand(
  model: string,
  { frames, size, batch, json = false }: InfoFlags,
): Promise<number> {
  const info = await modelInfo(modelFamilies, model, {
    ...(frames !== undefined && { frames: parseWhole('--frames', frames) }),
    ...(size !== undefined && parseSize('--size', size)),
    ...(batch !== undefined && { batchSize: parseWhole('--batch', batch) }),
  });
  if (json) printJson(info);
  else print(renderModelInfo(info));
  return exitCodes.done;
}

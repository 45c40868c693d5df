// `deepearth model list`: the checkpoints known by name, and which of them are here.

import { listModels, renderModels } from '@deepearth/onnx/model-list';
import { exitCodes } from '../exit-codes.ts';
import { modelFamilies } from '../model-families.ts';
import { print, printJson } from '../print.ts';

export async function modelListCommand({ json = false }: { readonly json?: boolean }): Promise<number> {
  const models = await listModels(modelFamilies);
  if (json) printJson(models);
  else
    print(
      `${renderModels(models)}\n\nA folder with config.json and model.safetensors, or a .pt file of Meta's, is a model too.`,
    );
  return exitCodes.done;
}

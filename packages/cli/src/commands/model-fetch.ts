// `deepearth model fetch`: downloads a checkpoint into the Hugging Face cache.

import { fetchFromHub } from '@deepearth/onnx/hub';
import { namesOf } from '@deepearth/onnx/published';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { modelFamilies } from '../model-families.ts';
import { print, printJsonLine, warn } from '../print.ts';
import { stepProgress } from '../step-progress.ts';

export interface FetchFlags {
  readonly offline?: boolean;
  readonly verify?: boolean;
  readonly json?: boolean;
}

export async function modelFetchCommand(name: string, { offline, verify, json = false }: FetchFlags): Promise<number> {
  const progress = stepProgress({ json, unit: 'bytes' });
  return cancellable(
    async ({ signal }) => {
      try {
        const model = await fetchFromHub(name, {
          signal,
          known: modelFamilies.flatMap(({ catalogue }) => namesOf(catalogue)),
          ...(offline && { offline }),
          ...(verify && { verify }),
          warn,
          progress: ({ file, doneBytes, totalBytes }) => progress.report(file, doneBytes, totalBytes),
        });
        progress.close();
        if (json) printJsonLine({ type: 'fetched', ...model });
        else print(`${model.name} at ${model.revision} is in ${model.folder}\n  To use it: model: ${name}`);
        return exitCodes.done;
      } catch (error) {
        progress.close();
        throw error;
      }
    },
    { stopped: 'Stopped. The same command goes on where it was.' },
  );
}

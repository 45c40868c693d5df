// `deepearth model convert`: makes the weights of a precision now, so that the first run does not have to.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { familyOf } from '@deepearth/onnx/choose-family';
import { openCheckpoint } from '@deepearth/onnx/checkpoint';
import { resolveModel } from '@deepearth/onnx/resolve-model';
import { placeWeights } from '@deepearth/onnx/weights';
import { precisions } from '@deepearth/onnx/precision';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatBytes } from '../format.ts';
import { modelFamilies } from '../model-families.ts';
import { parseChoice } from '../parse-number.ts';
import { print, printJsonLine, warn } from '../print.ts';
import { stepProgress } from '../step-progress.ts';

export interface ConvertFlags {
  readonly precision: string;
  readonly weights?: string;
  readonly json?: boolean;
}

export async function modelConvertCommand(
  model: string,
  { precision: precisionText, weights, json = false }: ConvertFlags,
): Promise<number> {
  const precision = parseChoice('--precision', precisionText, precisions);
  const progress = stepProgress({ json });
  return cancellable(
    async ({ signal }) => {
      try {
        const { path, name } = await resolveModel(modelFamilies, model, {
          signal,
          log: warn,
          progress: progress.report,
        });
        const checkpoint = await openCheckpoint(await familyOf(modelFamilies, path), path, { name, weights });
        try {
          const placed = await placeWeights(checkpoint, precision, {
            signal,
            progress: (done, total) => progress.report('convert', done, total),
          });
          progress.close();
          const files = [...new Set([...placed.weights.values()].map(({ file }) => file))].map((file) =>
            join(placed.folder, file),
          );
          const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
          const converted = !checkpoint.files.some((file) => files.includes(file));
          if (json) printJsonLine({ type: 'converted', model: name, precision, files, bytes, converted });
          else
            print(
              converted
                ? `${name} in ${precision} is in ${files.join(', ')} (${formatBytes(bytes)}).`
                : `${name} needs no conversion: in ${precision} its weights are read where they are.`,
            );
          return exitCodes.done;
        } finally {
          await checkpoint.close();
        }
      } catch (error) {
        progress.close();
        throw error;
      }
    },
    { stopped: 'Stopped; nothing half-made is left.' },
  );
}

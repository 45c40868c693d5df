// `deepearth model check`: compares outputs with reference outputs.

import { checkModel, formatCheck } from '@deepearth/onnx/check';
import { familyOf } from '@deepearth/onnx/choose-family';
import { precisions } from '@deepearth/onnx/precision';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { modelFamilies } from '../model-families.ts';
import { parseChoice, parsePositive } from '../parse-number.ts';
import { print, printJson, remark } from '../print.ts';

export interface CheckFlags {
  readonly precision: string;
  readonly device: string;
  readonly weights?: string;
  readonly tolerance?: string;
  readonly json?: boolean;
}

export async function modelCheckCommand(
  folder: string,
  { precision, device, weights, tolerance, json = false }: CheckFlags,
): Promise<number> {
  const options = {
    precision: parseChoice('--precision', precision, precisions),
    device,
    weights,
    ...(tolerance !== undefined && { tolerance: parsePositive('--tolerance', tolerance) }),
  };
  return cancellable(async ({ signal }) => {
    const family = await familyOf(modelFamilies, folder);
    const report = await checkModel(family, folder, { ...options, signal, ...(json ? {} : { log: remark }) });
    if (json) printJson(report);
    else print(formatCheck(report));
    return report.passed ? exitCodes.done : exitCodes.failed;
  });
}

// `deepearth reduce`: reduces the tokens of a file to a few numbers each.

import { closest, DeepEarthError } from '@deepearth/core/errors';
import { modelKinds } from '@deepearth/reducers/model';
import { reduceFile, type ReduceResult } from '@deepearth/reducers/reduce';
import { reductionOf } from '@deepearth/reducers/reductions';
import { parse } from 'yaml';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatBytes, formatNumber, formatSeconds } from '../format.ts';
import { print, printJsonLine, remark } from '../print.ts';
import { stepProgress } from '../step-progress.ts';

export interface ReduceFlags {
  readonly with?: string;
  readonly set?: readonly string[];
  readonly output: string;
  readonly tensor?: string;
  readonly model?: string;
  readonly modelOut?: string;
  readonly inverse?: boolean;
  readonly json?: boolean;
}

export async function reduceCommand(tokens: string, flags: ReduceFlags): Promise<number> {
  const { output, tensor, model, modelOut, inverse = false, json = false } = flags;
  const method = flags.with ?? (model === undefined ? 'umap' : undefined);
  const options = await parseOptions(flags.set, method);
  const progress = stepProgress({ json });
  const started = performance.now();
  return cancellable(async ({ signal, status }) => {
    try {
      const result = await reduceFile({
        tokens,
        with: method,
        options,
        output,
        tensor,
        model,
        modelOut,
        inverse,
        signal,
        progress: progress.report,
      });
      progress.close();
      const seconds = Math.round(performance.now() - started) / 1000;
      if (json) printJsonLine({ ...result, seconds });
      else print(resultText(result, seconds, inverse));
      return exitCodes.done;
    } catch (error) {
      progress.close();
      const stopped = status();
      if (stopped === undefined) throw error;
      remark('Stopped; nothing was written.');
      return stopped;
    }
  });
}

const usage = (message: string, remedy: string): DeepEarthError =>
  new DeepEarthError(message, { code: 'E_USAGE', remedy });

/** `components=3` as an option, its value read as YAML. Throws with a suggestion for names that there are not. */
export async function parseOptions(
  set: readonly string[] = [],
  method: string | undefined,
): Promise<Record<string, unknown>> {
  const kind = modelKinds.find((known) => known === method);
  if (method !== undefined && !kind) {
    const near = closest(method, modelKinds);
    throw usage(
      `--with: there is no reducer ${JSON.stringify(method)}.`,
      near ? `Did you mean ${near}?` : `There are ${modelKinds.join(', ')}.`,
    );
  }
  const known = kind && Object.keys((await reductionOf(kind)).options.shape);
  const entries = set.map((text): [string, unknown] => {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined)
      throw usage(`--set ${text}: expected option=value.`, 'For example --set components=3.');
    if (known && !known.includes(name)) {
      const near = closest(name, known);
      throw usage(
        `--set ${name}: ${kind} has no option ${JSON.stringify(name)}.`,
        near ? `Did you mean ${near}?` : `It has ${known.join(', ')}.`,
      );
    }
    try {
      return [name, parse(value) as unknown];
    } catch {
      return [name, value];
    }
  });
  return Object.fromEntries(entries);
}

function resultText(
  { method, tokens, channels, components, shape, output, modelOut, explainedVarianceRatio }: ReduceResult,
  seconds: number,
  inverse: boolean,
): string {
  return [
    `${method}: ${formatNumber(tokens)} ${inverse ? 'projections' : 'tokens'} of ${formatNumber(channels)} numbers to ${inverse ? `tokens of ${formatNumber(components)}` : components} in ${formatSeconds(seconds)}.`,
    ...(explainedVarianceRatio
      ? [`  explained variance: ${explainedVarianceRatio.map((part) => `${(part * 100).toFixed(1)} %`).join(', ')}`]
      : []),
    `  ${output.path}  [${shape.join(', ')}] float32, ${formatBytes(output.bytes)}`,
    ...(modelOut ? [`  ${modelOut.path}  the fitted model, ${formatBytes(modelOut.bytes)}`] : []),
  ].join('\n');
}

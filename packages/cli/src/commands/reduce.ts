// `deepearth reduce`: reduces the tokens of files to a few numbers each, at once or in parts.

import { closest, DeepEarthError } from '@deepearth/core/errors';
import { modelKinds } from '@deepearth/reducers/model';
import { reduceFile, type ReduceResult } from '@deepearth/reducers/reduce';
import {
  makePartFile,
  mergePartFiles,
  saveLimits,
  type LimitsResult,
  type MergeResult,
  type PartResult,
} from '@deepearth/reducers/reduce-parts';
import type { Running } from '@deepearth/reducers';
import { reductionOf } from '@deepearth/reducers/reductions';
import { parse } from 'yaml';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatBytes, formatNumber, formatSeconds } from '../format.ts';
import { parseWhole } from '../parse-number.ts';
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
  readonly part?: string;
  readonly merge?: boolean;
  readonly limits?: boolean;
  readonly json?: boolean;
}

/** What a call does, by its flags: the flag that asks for it, and the others that go with it. */
const modes = {
  part: ['with', 'set', 'tensor'],
  merge: ['with', 'set'],
  limits: ['model'],
} as const;

/** The flags that not every mode has. */
const spelled = {
  with: '--with',
  set: '--set',
  tensor: '--tensor',
  model: '--model',
  modelOut: '--model-out',
  inverse: '--inverse',
  part: '--part',
  merge: '--merge',
  limits: '--limits',
} as const;

export async function reduceCommand(files: readonly string[], flags: ReduceFlags): Promise<number> {
  const { output, tensor, model, modelOut, inverse = false, json = false } = flags;
  const mode = modeOf(flags);
  const method = flags.with ?? (model === undefined && mode !== 'merge' ? 'umap' : undefined);
  const options = await parseOptions(flags.set, method);
  const from = mode === 'part' ? parseWhole('--part', flags.part!, 0) : 0;
  const progress = stepProgress({ json });
  const running = (signal: AbortSignal): Running => ({
    signal,
    progress: progress.report,
    warn: (message) => remark(`warning: ${message}`),
  });
  const works = {
    part: async (signal: AbortSignal) =>
      said(
        await makePartFile({ tokens: files, tensor, with: method, options, from, output, ...running(signal) }),
        partText,
      ),
    merge: async (signal: AbortSignal) =>
      said(await mergePartFiles({ parts: files, with: method, options, output, ...running(signal) }), mergeText),
    limits: async (signal: AbortSignal) =>
      said(await saveLimits({ projections: files, model: model!, output, ...running(signal) }), limitsText),
    reduce: async (signal: AbortSignal) =>
      said(
        await reduceFile({
          tokens: files,
          with: method,
          options,
          output,
          tensor,
          model,
          modelOut,
          inverse,
          ...running(signal),
        }),
        (result, seconds) => resultText(result, seconds, inverse),
      ),
  };
  const started = performance.now();
  return cancellable(
    async ({ signal }) => {
      try {
        const { result, text } = await works[mode](signal);
        progress.close();
        const seconds = Math.round(performance.now() - started) / 1000;
        if (json) printJsonLine({ ...result, seconds });
        else print(text(seconds));
        return exitCodes.done;
      } catch (error) {
        progress.close();
        throw error;
      }
    },
    { stopped: 'Stopped; nothing was written.' },
  );
}

/** A result, and what is said of it. */
const said = <Result extends object>(result: Result, text: (result: Result, seconds: number) => string) => ({
  result,
  text: (seconds: number) => text(result, seconds),
});

/** Throws for flags that do not go together. */
function modeOf(flags: ReduceFlags): keyof typeof modes | 'reduce' {
  const given = (Object.keys(spelled) as (keyof typeof spelled)[]).filter((flag) => flags[flag] !== undefined);
  const mode = (Object.keys(modes) as (keyof typeof modes)[]).find((flag) => given.includes(flag));
  if (mode === undefined) return 'reduce';
  const foreign = given.find((flag) => flag !== mode && !(modes[mode] as readonly string[]).includes(flag));
  if (foreign) throw usage(`${spelled[foreign]} does not go with ${spelled[mode]}.`, 'See deepearth help reduce.');
  if (mode === 'limits' && flags.model === undefined)
    throw usage('--limits needs the model that made these results.', 'Name it with --model.');
  return mode;
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

const partText = ({ method, from, to, tokens, channels, output }: PartResult, seconds: number): string =>
  [
    `${method}: saw ${formatNumber(tokens)} tokens of ${formatNumber(channels)} numbers in ${formatSeconds(seconds)}.`,
    `  ${output.path}  tokens ${from} to ${to} of the input, ${formatBytes(output.bytes)}`,
    `  The next part begins with --part ${to}.`,
  ].join('\n');

const mergeText = (
  { method, parts, tokens, channels, components, limits, output }: MergeResult,
  seconds: number,
): string =>
  [
    `${method}: fitted to ${formatNumber(tokens)} tokens of ${formatNumber(channels)} numbers, ${components} of each, from ${parts} ${parts === 1 ? 'part' : 'parts'} in ${formatSeconds(seconds)}.`,
    `  ${output.path}  the fitted model, ${formatBytes(output.bytes)}`,
    ...(limits.length
      ? []
      : ['  It has no colour limits yet: reduce the tokens with --model, then give it the results with --limits.']),
  ].join('\n');

const limitsText = ({ method, tokens, limits, output }: LimitsResult, seconds: number): string =>
  [
    `${method}: colours of ${formatNumber(tokens)} tokens in ${formatSeconds(seconds)}: ${limits.map(([low, high]) => `${low.toPrecision(4)} to ${high.toPrecision(4)}`).join(', ')}.`,
    `  ${output.path}  the model with its colour limits, ${formatBytes(output.bytes)}`,
  ].join('\n');

// Compares a model with reference outputs: input.safetensors through the encoder against expected.safetensors.

import { join } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { toFloat32 } from '@deepearth/core/half';
import type { Tensor } from '@deepearth/core/tensor';
import { openFile } from '@deepearth/formats/file-source-node';
import { openSafetensors, type Safetensors } from '@deepearth/formats/safetensors';
import type { EncoderArchitecture } from './architecture.ts';
import { openCheckpoint } from './checkpoint.ts';
import { compareTokens, type Comparison } from './compare.ts';
import type { Encoded } from './encoded.ts';
import { openEncoder } from './encoder.ts';
import type { ModelFamily, References } from './family.ts';
import type { Precision } from './precision.ts';

/** How a model is run for the comparison, and how near it has to come. */
export interface CheckOptions {
  readonly precision?: Precision;
  /** `cpu` by default. */
  readonly device?: string;
  /** Weights file of the folder, such as original.pt; model.safetensors by default. */
  readonly weights?: string | undefined;
  /** Largest relative error that passes. Default: by precision; for int8 the cosines decide. */
  readonly tolerance?: number | undefined;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly log?: ((message: string) => void) | undefined;
}

/** One tensor that was expected, and how near the output came. */
export interface CheckCase extends Comparison {
  /** Key of the input. */
  readonly input: string;
  /** Key of the expected output. */
  readonly expected: string;
  /** Shape of the output. */
  readonly shape: readonly number[];
  readonly passed: boolean;
}

/** What `checkModel` found; `passed` when every expected tensor was reached within the tolerance. */
export interface CheckReport {
  readonly folder: string;
  readonly model: string;
  readonly precision: Precision;
  readonly devices: readonly string[];
  /** Values of the encoder. */
  readonly parameters: number;
  /** Largest relative error allowed; `null` where the cosines decide. */
  readonly tolerance: number | null;
  readonly cases: readonly CheckCase[];
  readonly passed: boolean;
}

/** What each precision has to keep, against the original in PyTorch. */
const limits: Readonly<Record<Precision, (comparison: Comparison) => boolean>> = {
  fp32: ({ relativeError }) => relativeError <= 1e-5,
  fp16: ({ relativeError }) => relativeError <= 2e-3,
  int8: ({ meanCosine, smallestCosine }) => meanCosine >= 0.999 && smallestCosine >= 0.99,
};
const tolerances: Readonly<Record<Precision, number | null>> = { fp32: 1e-5, fp16: 2e-3, int8: null };

async function openTensors(path: string): Promise<Safetensors> {
  const source = await openFile(path);
  return openSafetensors(source).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
}

/**
 * Runs every tensor of a folder's `input.safetensors` (normalised pixels as the family's encoder takes them) through
 * its model and compares what comes out with `expected.safetensors`: outputs by the family's names, of a single input;
 * or an output under the input's own key, and `KEY.NAME`. Throws an `InputError` when the folder is not laid out like
 * that.
 */
export async function checkModel<A extends EncoderArchitecture>(
  family: ModelFamily<A>,
  folder: string,
  { precision = 'fp32', device = 'cpu', weights, tolerance, threads, signal, log }: CheckOptions = {},
): Promise<CheckReport> {
  const inputs = await openTensors(join(folder, 'input.safetensors'));
  const expected = await openTensors(join(folder, 'expected.safetensors')).catch(async (error: unknown) => {
    await inputs.source.close();
    throw error;
  });
  const closing: (() => Promise<void>)[] = [() => inputs.source.close(), () => expected.source.close()];
  try {
    const checkpoint = await openCheckpoint(family, folder, { weights });
    closing.unshift(() => checkpoint.close());
    for (const note of checkpoint.notes) log?.(note);
    // Everything in both files is asked for.
    for (const file of [inputs, expected]) for (const name of file.unread.keys()) file.find(name);
    const names = [...expected.tensors.keys()];
    const outputs = family.references.outputs(names);
    const encoder = await openEncoder(checkpoint, { devices: [device], precision, threads, outputs, signal, log });
    closing.unshift(() => encoder.close());
    const cases: CheckCase[] = [];
    const left = new Set(names);
    for (const input of inputs.tensors.keys()) {
      const own = names.filter((name) => inputs.tensors.size === 1 || name === input || name.startsWith(`${input}.`));
      const pixels = toFloat32(await inputs.tensor(input, signal), inputs.source.name);
      const encoded = await encoder.encode(pixels, signal);
      const { besides } = family.references;
      const made = own.some((name) => besides?.names.includes(name))
        ? await besides!.make(encoded.tokens, { folder, weights, threads, signal })
        : {};
      for (const name of own) {
        left.delete(name);
        const reference = toFloat32(await expected.tensor(name, signal), expected.source.name);
        const output = outputOf(family.references, { ...encoded.outputs, ...made }, name, input);
        if (output.data.length !== reference.data.length)
          throw new InputError(
            expected.source.name,
            `${JSON.stringify(name)} is [${reference.shape.join(', ')}], the model returns [${output.shape.join(', ')}].`,
            { code: 'E_REFERENCE_SHAPE' },
          );
        const comparison = compareTokens(output, reference);
        const passed = tolerance === undefined ? limits[precision](comparison) : comparison.relativeError <= tolerance;
        cases.push({ input, expected: name, shape: reference.shape, ...comparison, passed });
      }
    }
    if (left.size)
      throw new InputError(
        expected.source.name,
        `holds ${[...left].map((name) => JSON.stringify(name)).join(', ')}, for which there is no input.`,
        { code: 'E_REFERENCE_NAME' },
      );
    return {
      folder,
      model: checkpoint.name,
      precision,
      devices: encoder.devices,
      parameters: checkpoint.parameters,
      tolerance: tolerance ?? tolerances[precision],
      cases,
      passed: cases.length > 0 && cases.every(({ passed }) => passed),
    };
  } finally {
    for (const close of closing) await close();
  }
}

/** The output that an expected tensor is compared with. */
function outputOf(references: References, outputs: Encoded['outputs'], name: string, input: string): Tensor<'float32'> {
  const output = references.besides?.names.includes(name) ? name : references.output(name, input);
  const made = output === undefined ? undefined : outputs[output];
  if (!made)
    throw new InputError(
      'expected.safetensors',
      `${JSON.stringify(name)} is nothing that this model returns: ${references.names}.`,
      { code: 'E_REFERENCE_NAME' },
    );
  return made as Tensor<'float32'>;
}

const figure = (value: number): string => (value === 0 ? '0' : value.toExponential(1));
/** Cosines near 1 by what is missing: 0.99999987. */
const cosine = (value: number): string => (Number.isNaN(value) ? 'NaN' : value.toFixed(8));

/** The report as lines of text, one for each case. */
export function formatCheck(report: CheckReport): string {
  const { model, precision, devices, parameters, tolerance, cases, passed } = report;
  const limit = tolerance === null ? 'mean cosine >= 0.999, smallest >= 0.99' : `relative error <= ${tolerance}`;
  const wide = Math.max(...cases.map(({ expected }) => expected.length), 8);
  const lines = cases.map(
    ({ expected, relativeError, smallestCosine, meanCosine, shape, passed: good }) =>
      `${good ? 'ok  ' : 'FAIL'} ${expected.padEnd(wide)}  relative error ${figure(relativeError).padStart(7)}  smallest cosine ${cosine(smallestCosine)}  mean ${cosine(meanCosine)}  [${shape.join(', ')}]`,
  );
  return [
    `${model}: ${parameters.toLocaleString('en')} parameters, ${precision} on ${devices.join(', ')}, ${limit}`,
    ...lines,
    passed ? `all ${cases.length} agree` : `${cases.filter((one) => !one.passed).length} of ${cases.length} differ`,
  ].join('\n');
}

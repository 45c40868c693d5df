// Chooses devices and tests them: a device is used only when it encodes a small input as the CPU does.

import { DeepEarthError, InputError } from '@deepearth/core/errors';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import type { Checkpoint } from './checkpoint.ts';
import { candidates, computeType, parseDevice, type AttentionForm, type DevicePlan } from './devices.ts';
import type { EncoderArchitecture } from './architecture.ts';
import { openGraph } from './open-graph.ts';
import { compareTokens } from './compare.ts';
import type { Precision } from './precision.ts';
import type { PlacedWeights } from './placed-weights.ts';

/** A device and the form of attention that it gets right. */
export interface ReadyDevice {
  readonly plan: DevicePlan;
  readonly form: AttentionForm;
}

export interface DeviceTestOptions {
  readonly precision: Precision;
  /** The only form to try; the device's own by default. */
  readonly attention?: AttentionForm | undefined;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with what `auto` chose and why. */
  readonly log?: ((message: string) => void) | undefined;
}

/** Largest relative error of a device against the CPU. Errors of a wrong kernel are 0.1 and more. */
const tolerance: Readonly<Record<Precision, number>> = { fp32: 2e-3, fp16: 2e-2, int8: 2e-2 };
const testLayers = 2;

/**
 * Finds out where the encoder can run. Throws an `InputError` that says what is missing; with `auto` there is always
 * the CPU.
 */
export async function chooseDevices<A extends EncoderArchitecture>(
  checkpoint: Checkpoint<A>,
  placed: PlacedWeights,
  names: readonly string[],
  options: DeviceTestOptions,
): Promise<ReadyDevice[]> {
  if (names.length === 0)
    throw new InputError('devices', 'none is named; "cpu" and "auto" always work.', { code: 'E_DEVICE_NAME' });
  // Several processes on the CPU divide its cores; several on one GPU would hold the weights there several times.
  const others = names.filter((name) => name !== 'cpu');
  if (new Set(others).size !== others.length)
    throw new InputError('devices', `one is named twice in ${names.join(', ')}.`, { code: 'E_DEVICE_NAME' });
  const ready: ReadyDevice[] = [];
  for (const name of names)
    ready.push(
      name === 'auto'
        ? await choose(checkpoint, placed, options)
        : await test(checkpoint, placed, parseDevice(name), options),
    );
  return ready;
}

/** The first line of a message, without the place in ONNX Runtime's sources. */
const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error))
    .split('\n')[0]!
    .replace(/^.*was false\. /, '')
    .replace(/\.$/, '');

async function choose<A extends EncoderArchitecture>(
  checkpoint: Checkpoint<A>,
  placed: PlacedWeights,
  options: DeviceTestOptions,
): Promise<ReadyDevice> {
  const reasons: string[] = [];
  for (const name of candidates()) {
    try {
      const ready = await test(checkpoint, placed, parseDevice(name), options);
      options.log?.(`device: ${name}${reasons.length ? ` (${reasons.join('; ')})` : ''}`);
      return ready;
    } catch (error) {
      if (options.signal?.aborted || name === 'cpu') throw error;
      reasons.push(`not ${name}: ${reasonOf(error instanceof Error && error.cause ? error.cause : error)}`);
    }
  }
  throw new InputError('device "auto"', reasons.join('; '), { code: 'E_DEVICE' });
}

async function test<A extends EncoderArchitecture>(
  checkpoint: Checkpoint<A>,
  placed: PlacedWeights,
  plan: DevicePlan,
  options: DeviceTestOptions,
): Promise<ReadyDevice> {
  if (plan.kind === 'cpu') return { plan, form: options.attention ?? 'fused' };
  if (options.precision === 'int8')
    throw new InputError(`device ${plan.name}`, 'runs fp32 and fp16 only; int8 is for the CPU.', {
      code: 'E_DEVICE_PRECISION',
    });
  const reasons: string[] = [];
  let expected: Tensor<'float32'> | undefined;
  for (const form of options.attention ? [options.attention] : plan.forms) {
    const output = await small(checkpoint, placed, plan, form, options).catch((error: unknown) => {
      if (options.signal?.aborted || !(error instanceof DeepEarthError)) throw error;
      // What is missing is missing for every form.
      throw new InputError(`device ${plan.name}`, `cannot be used: ${reasonOf(error)}.`, {
        code: 'E_DEVICE',
        cause: error,
        remedy: plan.remedy,
      });
    });
    // The CPU is asked only once the device has returned, so that a device that is not there costs nothing.
    expected ??= await small(checkpoint, placed, parseDevice('cpu'), 'fused', options);
    const { relativeError } = compareTokens(output, expected);
    if (relativeError <= tolerance[options.precision]) return { plan, form };
    reasons.push(`with ${form} attention it is off by ${relativeError.toPrecision(2)} of the CPU's output`);
  }
  throw new InputError(
    `device ${plan.name}`,
    `gives wrong outputs: ${reasons.join(', ')} (at most ${tolerance[options.precision]}).`,
    { code: 'E_DEVICE_WRONG', remedy: 'Update its driver, or use "cpu".' },
  );
}

/** What the first layers make of fixed pixels. */
async function small<A extends EncoderArchitecture>(
  { family, architecture }: Checkpoint<A>,
  placed: PlacedWeights,
  plan: DevicePlan,
  form: AttentionForm,
  { precision, threads, signal }: DeviceTestOptions,
): Promise<Tensor<'float32'>> {
  const testShape = family.testShape(architecture);
  const count = testShape.reduce((a, b) => a * b, 1);
  const pixels = tensor(
    'float32',
    testShape,
    Float32Array.from({ length: count }, (_, i) => Math.sin(i * 0.7) + Math.sin(i * 0.0113)),
  );
  const { variant, feeds, size } = family.prepare(architecture, pixels);
  const layers = Math.min(testLayers, architecture.layers);
  const graph = {
    architecture,
    variant,
    attention: form,
    layers,
    compute: computeType(plan.kind, precision),
    ...(form === 'decomposed' && { size }),
  };
  const session = await openGraph(family, placed, graph, { plan, threads, signal });
  try {
    return (await session.run(feeds, signal))['tokens'] as Tensor<'float32'>;
  } finally {
    await session.close();
  }
}

// Converts a checkpoint's weights to another precision, once: streaming, into a file of the cache whose name says what
// it was made of.

import { open, rm, stat, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { readTextFile } from '@deepearth/core/regular-file';
import { toFloat16, toFloat32 } from '@deepearth/core/half';
import { lineage } from '@deepearth/core/lineage';
import { tensor } from '@deepearth/core/tensor';
import { openFile } from '@deepearth/formats/file-source-node';
import { openSafetensors, planSafetensors, type TensorPlan } from '@deepearth/formats/safetensors';
import { cacheFolder, fillingCache, rememberedDigest, writeAtomically } from './cache.ts';
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts';
import { exactBytes, type ByteType } from './exact-bytes.ts';
import type { Precision } from './precision.ts';
import type { PlacedWeight, PlacedWeights, PlaceOptions } from './placed-weights.ts';

/** Counts up when the same checkpoint gives other bytes. */
const conversionVersion = 3;

interface Converted extends TensorPlan {
  readonly bytes: Uint8Array;
}

/** `label` is for errors: the file and what it calls the tensor. */
type Converter = (
  name: string,
  shape: readonly number[],
  values: Float32Array,
  bytes: ByteType,
  label: string,
) => Converted[];

const asBytes = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const plain: Converter = (name, shape, values) => [{ name, dtype: 'float32', shape, bytes: asBytes(values) }];
// Every family names its tensors alike: matrices of layers are `layers.N.NAME.weight`, those of the attention `query`,
// `key`, `value`, `proj`; what is added to tokens (embeddings, positions, class tokens) does not end in `.weight`.

/**
 * Errors made in the attention of the first layers grow through all others; kept in float32 there, the error at the end
 * is halved for a few percent of the time.
 */
const isSensitive = (name: string): boolean => /^layers\.[01]\.(query|key|value|proj)\./.test(name);
/** What becomes int8. Norms, biases and embeddings are small; the patch embedding sees pixels. */
const isMatrix = (name: string, shape: readonly number[]): boolean =>
  shape.length === 2 && name.startsWith('layers.') && !isSensitive(name);
/** What becomes fp16. */
const isHalved = (name: string, shape: readonly number[]): boolean => shape.length > 1 && name.endsWith('.weight');

const converters: Readonly<Record<Precision, Converter>> = {
  fp32: plain,
  fp16: (name, shape, values, bytes, label) =>
    isHalved(name, shape)
      ? [
          {
            name,
            dtype: 'float16',
            shape,
            bytes: asBytes(
              toFloat16(tensor('float32', shape, values as Float32Array<ArrayBuffer>), label, {
                small: 'rounded',
                remedy: 'Use the precision fp32.',
              }).data,
            ),
          },
        ]
      : plain(name, shape, values, bytes, label),
  int8: (name, shape, values, bytes, label) =>
    isMatrix(name, shape)
      ? quantise(name, shape as [number, number], values, bytes, label)
      : plain(name, shape, values, bytes, label),
};

/** What a tensor of this name and shape becomes, without values. */
const planned = (precision: Precision, name: string, shape: readonly number[], bytes: ByteType): TensorPlan[] => {
  if (precision === 'fp32') return [{ name, dtype: 'float32', shape }];
  if (precision === 'fp16') return [{ name, dtype: isHalved(name, shape) ? 'float16' : 'float32', shape }];
  if (!isMatrix(name, shape)) return [{ name, dtype: 'float32', shape }];
  return [
    { name: `${name}.quantised`, dtype: bytes, shape: [...shape].reverse() },
    { name: `${name}.scale`, dtype: 'float32', shape: [shape[0]!] },
  ];
};

/**
 * `[out, in]` to `[in, out]` in 8 bits, symmetric, one scale per output channel: the largest magnitude of a channel
 * becomes 127 (255 as uint8, whose zero is 128). Transposed because ONNX Runtime's integer product takes it that way
 * round.
 */
function quantise(
  name: string,
  [rows, columns]: readonly [number, number],
  values: Float32Array,
  bytes: ByteType,
  label: string,
): Converted[] {
  const [out, zero] = bytes === 'int8' ? [new Int8Array(values.length), 0] : [new Uint8Array(values.length), 128];
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const from = row * columns;
    let largest = 0;
    for (let i = from; i < from + columns; i++) largest = Math.max(largest, Math.abs(values[i]!));
    if (!Number.isFinite(largest))
      throw new InputError(label, `row ${row} holds values that are not finite.`, {
        code: 'E_VALUE_RANGE',
        remedy: 'The checkpoint is damaged, or training went wrong; fp32 would return no finite tokens either.',
      });
    // A row whose scale would vanish in float32 is as good as 0.
    scales[row] = Math.fround(largest / 127) || 1;
    const factor = 1 / scales[row]!;
    for (let column = 0; column < columns; column++)
      out[column * rows + row] = Math.round(values[from + column]! * factor) + zero;
  }
  return [
    { name: `${name}.quantised`, dtype: bytes, shape: [columns, rows], bytes: asBytes(out) },
    { name: `${name}.scale`, dtype: 'float32', shape: [rows], bytes: asBytes(scales) },
  ];
}

/** A digest of all files the weights come from. */
export async function weightsDigest(checkpoint: Pick<Checkpoint, 'tensors'>, signal?: AbortSignal): Promise<string> {
  const files = [...new Set([...checkpoint.tensors.values()].map(({ file }) => file))].sort();
  const digests: string[] = [];
  for (const file of files) digests.push((await rememberedDigest(file, signal)).sha256);
  return lineage(digests);
}

/**
 * Returns the converted weights, made now unless the cache holds them whole. A damaged file is made again. 8-bit
 * weights are by default of the type that this processor multiplies exactly.
 */
export async function convertWeights(
  checkpoint: Pick<Checkpoint, 'name' | 'tensors'>,
  precision: Precision,
  { signal, progress, bytes }: PlaceOptions & { readonly bytes?: ByteType } = {},
): Promise<PlacedWeights> {
  const type = precision === 'int8' ? (bytes ?? (await exactBytes())) : 'int8';
  const key = lineage(conversionVersion, precision, type, await weightsDigest(checkpoint, signal), [
    ...checkpoint.tensors.keys(),
  ]);
  const path = join(cacheFolder(), 'weights', `${precision}-${key}.safetensors`);
  if (!(await isWhole(path, signal))) {
    await fillingCache(async () => {
      await rm(path, { force: true });
      await writeConverted(path, checkpoint, precision, type, { signal, progress });
    });
  }
  const source = await openFile(path);
  try {
    const { tensors } = await openSafetensors(source);
    const weights = new Map<string, PlacedWeight>();
    for (const [name, stored] of tensors) {
      const location = await stored.locate(signal);
      weights.set(name, {
        file: basename(path),
        offset: location!.offset,
        bytes: stored.bytes,
        dtype: stored.dtype,
        shape: stored.shape,
      });
    }
    return { folder: dirname(path), weights };
  } finally {
    await source.close();
  }
}

const notePath = (path: string): string => `${path}.sha256`;

/** Whether a file is there and its digest is the one that was noted when it was written. */
async function isWhole(path: string, signal?: AbortSignal): Promise<boolean> {
  const noted = await readTextFile(notePath(path)).catch(() => undefined);
  if (noted === undefined || !(await stat(path).catch(() => undefined))) return false;
  return (await rememberedDigest(path, signal)).sha256 === noted.trim();
}

async function writeConverted(
  path: string,
  checkpoint: Pick<Checkpoint, 'name' | 'tensors'>,
  precision: Precision,
  type: ByteType,
  { signal, progress }: PlaceOptions,
): Promise<void> {
  const tensors = [...checkpoint.tensors];
  const { header, layout } = planSafetensors(
    tensors.flatMap(([name, { shape }]) => planned(precision, name, shape, type)),
    { precision, source: checkpoint.name },
  );
  const places = new Map(layout.map(({ name, offset }) => [name, offset]));
  await writeAtomically(path, async (temporary) => {
    const file = await open(temporary, 'w');
    try {
      await file.write(header, 0, header.byteLength, 0);
      let done = 0;
      for (const [name, stored] of tensors) {
        signal?.throwIfAborted();
        for (const { name: made, bytes } of converters[precision](
          name,
          stored.shape,
          await readFloats(stored, signal),
          type,
          labelOf(stored),
        ))
          await file.write(bytes, 0, bytes.byteLength, places.get(made)!);
        progress?.(++done, tensors.length);
      }
    } finally {
      await file.close();
    }
    const hash = createHash('sha256');
    const source = await openFile(temporary);
    try {
      for (let at = 0; at < source.size; at += 1 << 24)
        hash.update(await source.read(at, Math.min(1 << 24, source.size - at), signal));
    } finally {
      await source.close();
    }
    await writeAtomically(notePath(path), (note) => writeFile(note, `${hash.digest('hex')}\n`));
  });
}

const labelOf = ({ file, storedName }: CheckpointTensor): string => `${file}: ${storedName}`;

/** A weight as float32, whatever it is stored as. */
export async function readFloats(stored: CheckpointTensor, signal?: AbortSignal): Promise<Float32Array> {
  const t = await stored.read(signal);
  return toFloat32(t, labelOf(stored)).data;
}

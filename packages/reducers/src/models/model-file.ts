// A fitted model as one safetensors file, and back.

import { InputError } from '@deepearth/core/errors';
import type { EncoderIdentity } from '@deepearth/core/items';
import type { Tensor } from '@deepearth/core/tensor';
import { bytesSource, type ByteSource } from '@deepearth/formats/bytes';
import { encodeSafetensors, openSafetensors } from '@deepearth/formats/safetensors';
import { canonicalJson } from './canonical-json.ts';
import { modelKinds, type Json, type Limits, type ModelKind, type SavedModel } from './model.ts';

const format = 'deepearth-reducer';
const version = 1;

/** The bytes of a model file: the same model always gives the same ones. */
export const encodeModel = ({ state, encoder, limits }: SavedModel): Promise<Uint8Array> =>
  encodeSafetensors(state.tensors, {
    format,
    version: String(version),
    kind: state.kind,
    options: canonicalJson(state.metadata),
    limits: canonicalJson(limits),
    ...(encoder ? { encoder: canonicalJson({ ...encoder }) } : {}),
  });

/** What a file is checked against when it is read. */
export interface LoadOptions {
  /** Whose tokens the model is going to see; absent: not checked. */
  readonly encoder?: EncoderIdentity | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The same as `readModel`, for bytes in memory; `subject` names them in errors. */
export const decodeModel = (bytes: Uint8Array, subject: string, options: LoadOptions = {}): Promise<SavedModel> =>
  readModel(bytesSource(bytes, subject), options);

/**
 * Reads a model. Throws an `InputError` for a file that is not a saved reducer, another version, or a model made for another encoder
 * (both are named).
 */
export async function readModel(source: ByteSource, { encoder, signal }: LoadOptions = {}): Promise<SavedModel> {
  const subject = source.name;
  const file = await openSafetensors(source, signal);
  const text = (name: string): string => {
    const value = file.metadata.get(name);
    if (value === undefined)
      throw new InputError(subject, `has no ${JSON.stringify(name)} in its metadata; it is no saved reducer.`, {
        code: 'E_REDUCER_FILE',
      });
    return value;
  };
  if (text('format') !== format)
    throw new InputError(
      subject,
      `is a safetensors file of the format ${JSON.stringify(text('format'))}, a saved reducer says ${JSON.stringify(format)}.`,
      { code: 'E_REDUCER_FILE' },
    );
  if (Number(text('version')) !== version) {
    throw new InputError(
      subject,
      `is a saved reducer of version ${text('version')}, this program reads version ${version}.`,
      { code: 'E_REDUCER_VERSION', remedy: 'Update @deepearth/reducers, or fit again.' },
    );
  }
  const kind = text('kind') as ModelKind;
  if (!modelKinds.includes(kind))
    throw new InputError(subject, `is a saved ${JSON.stringify(kind)}; known are ${modelKinds.join(', ')}.`, {
      code: 'E_REDUCER_FILE',
    });
  const parse = (name: string): unknown => {
    try {
      return JSON.parse(text(name));
    } catch (cause) {
      throw new InputError(subject, `its ${name} are no JSON.`, { code: 'E_REDUCER_FILE', cause });
    }
  };
  const metadata = parse('options');
  const limits = parse('limits');
  if (metadata === null || typeof metadata !== 'object' || Array.isArray(metadata))
    throw new InputError(subject, 'its options are no object.', { code: 'E_REDUCER_FILE' });
  if (
    !Array.isArray(limits) ||
    !limits.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(Number.isFinite))
  ) {
    throw new InputError(subject, 'its limits are no list of pairs of numbers.', { code: 'E_REDUCER_FILE' });
  }
  const maker = file.metadata.has('encoder') ? (parse('encoder') as EncoderIdentity) : undefined;
  checkEncoder(maker, encoder, subject);
  const tensors: Record<string, Tensor> = {};
  for (const name of file.tensors.keys()) tensors[name] = await file.tensor(name, signal);
  return {
    state: { kind, tensors, metadata: metadata as Record<string, Json> },
    limits: limits as unknown as Limits,
    ...(maker ? { encoder: maker } : {}),
  };
}

/** Throws an `InputError` naming both when a model was made for another encoder; a model that knows none fits all. */
export function checkEncoder(
  maker: EncoderIdentity | undefined,
  encoder: EncoderIdentity | undefined,
  subject: string,
): void {
  if (!maker || !encoder || maker.fingerprint === encoder.fingerprint) return;
  throw new InputError(
    subject,
    `was fitted to tokens of ${maker.name} (${maker.fingerprint}), and these come from ${encoder.name} (${encoder.fingerprint}).`,
    {
      code: 'E_ENCODER',
      remedy: 'Use the model with the encoder it was made for, or fit a new one.',
    },
  );
}

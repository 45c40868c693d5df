// A fitted model as one safetensors file, and back.

import { InputError } from '@deepearth/core/errors';
import type { EncoderIdentity } from '@deepearth/core/items';
import type { Tensor } from '@deepearth/core/tensor';
import { bytesSource, type ByteSource } from '@deepearth/formats/bytes';
import { openSafetensors } from '@deepearth/formats/safetensors';
import { canonicalJson } from './canonical-json.ts';
import { modelKinds, type Json, type Limits, type ModelKind, type SavedModel } from './model.ts';
import { checkSeal, encodeSealed, refuseNotFinite } from './sealed-file.ts';

const format = 'deepearth-reducer';
const version = 2;
/** Version 1 had no digest, and is the same otherwise. */
const read: ReadonlySet<string> = new Set(['1', '2']);

/** The bytes of a model file, with a digest of them: the same model always gives the same ones. */
export const encodeModel = ({ state, encoder, limits }: SavedModel): Promise<Uint8Array> =>
  encodeSealed(state.tensors, {
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
 * Reads a model. Throws an `InputError` for a file that is not a saved reducer, another version, one whose bytes are
 * not those of its digest, one with a number that is not finite, or a model made for another encoder (both are named).
 */
export async function readModel(source: ByteSource, { encoder, signal }: LoadOptions = {}): Promise<SavedModel> {
  const subject = source.name;
  const file = await openSafetensors(source, signal);
  const refuse = (problem: string, remedy?: string, cause?: unknown): InputError =>
    new InputError(subject, problem, { code: 'E_REDUCER_FILE', remedy, cause });
  const text = (name: string): string => {
    const value = file.metadata.get(name);
    if (value === undefined) throw refuse(`has no ${JSON.stringify(name)} in its metadata; it is no saved reducer.`);
    return value;
  };
  if (text('format') !== format)
    throw refuse(
      `is a safetensors file of the format ${JSON.stringify(text('format'))}, a saved reducer says ${JSON.stringify(format)}.`,
    );
  if (!read.has(text('version'))) {
    throw new InputError(
      subject,
      `is a saved reducer of version ${text('version')}, this program reads versions up to ${version}.`,
      { code: 'E_REDUCER_VERSION', remedy: 'Update @deepearth/reducers, or fit again.' },
    );
  }
  const sealed = await checkSeal(file, Number(text('version')), refuse, signal);
  const kind = text('kind') as ModelKind;
  if (!modelKinds.includes(kind))
    throw refuse(`is a saved ${JSON.stringify(kind)}; known are ${modelKinds.join(', ')}.`);
  const parse = (name: string): unknown => {
    try {
      return JSON.parse(text(name));
    } catch (cause) {
      throw refuse(`its ${name} are no JSON.`, undefined, cause);
    }
  };
  const metadata = parse('options');
  const limits = parse('limits');
  if (!isRecord(metadata)) throw refuse('its options are no object.');
  if (
    !Array.isArray(limits) ||
    !limits.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(Number.isFinite))
  )
    throw refuse('its limits are no list of pairs of numbers.');
  const maker = file.metadata.has('encoder') ? parse('encoder') : undefined;
  if (maker !== undefined && !isEncoder(maker)) throw refuse('its encoder has no name or no fingerprint.');
  checkEncoder(maker, encoder, subject);
  const tensors: Record<string, Tensor> = {};
  for (const name of file.tensors.keys()) tensors[name] = await file.tensor(name, signal);
  refuseNotFinite(tensors, metadata as Record<string, Json>, refuse);
  return {
    state: { kind, tensors, metadata: metadata as Record<string, Json> },
    limits: limits as unknown as Limits,
    ...(maker ? { encoder: maker } : {}),
    sealed,
  };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isEncoder = (value: unknown): value is EncoderIdentity =>
  isRecord(value) && typeof value['name'] === 'string' && typeof value['fingerprint'] === 'string';

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

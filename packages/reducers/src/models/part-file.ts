// A part of a fit as one safetensors file, and back, so that another machine may merge it.

import { InputError } from '@deepearth/core/errors';
import type { EncoderIdentity } from '@deepearth/core/items';
import type { Tensor } from '@deepearth/core/tensor';
import { bytesSource, type ByteSource } from '@deepearth/formats/bytes';
import { openSafetensors } from '@deepearth/formats/safetensors';
import type { Part, Reduction } from '../run/reduction.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Json } from './model.ts';
import { checkSeal, encodeSealed, refuseNotFinite } from './sealed-file.ts';

const format = 'deepearth-reducer-part';
const version = 2;
/** Version 1 had no digest, and is the same otherwise. */
const read: ReadonlySet<string | undefined> = new Set(['1', '2']);

/** The bytes of a part's file, with a digest of them: the same part always gives the same ones. */
export async function encodePart<Content>(
  reduction: Reduction<never, Content>,
  { content, ...head }: Part<Content>,
): Promise<Uint8Array> {
  const { tensors, metadata } = await reduction.pack(content);
  return encodeSealed(tensors, {
    format,
    version: String(version),
    head: canonicalJson(head as unknown as Json),
    content: canonicalJson(metadata),
  });
}

/** The same as `readPart`, for bytes in memory; `subject` names them in errors. */
export const decodePart = <Content>(
  reduction: Reduction<never, Content>,
  bytes: Uint8Array,
  subject: string,
): Promise<Part<Content>> => readPart(reduction, bytesSource(bytes, subject));

/** What a part says of itself, before its content is read. */
export type PartHead = Omit<Part, 'content'>;

/** Reads what a part says of itself. Throws an `InputError` for a file that is none, and for a newer version. */
export const readPartHead = async (source: ByteSource, signal?: AbortSignal): Promise<PartHead> =>
  (await openPart(source, signal)).head;

/**
 * Reads a part of a reduction. Throws an `InputError` for a file that is not a part, another version, a part of another
 * reduction, and for one that is not whole or whose bytes are not those of its digest.
 */
export async function readPart<Content>(
  reduction: Reduction<never, Content>,
  source: ByteSource,
  signal?: AbortSignal,
): Promise<Part<Content>> {
  const { file, head, metadata, refuse } = await openPart(source, signal);
  if (head.reduction !== reduction.name)
    throw refuse(`is a part of ${head.reduction}, and one of ${reduction.name} is read.`);
  const tensors: Record<string, Tensor> = {};
  await checkSeal(file, Number(file.metadata.get('version')), refuse, signal);
  for (const name of file.tensors.keys()) tensors[name] = await file.tensor(name, signal);
  refuseNotFinite(tensors, metadata, refuse);
  try {
    return { ...head, content: reduction.unpack({ tensors, metadata }, head.channels, source.name) };
  } catch (cause) {
    // Lists of a part without a digest may hold anything.
    throw cause instanceof InputError ? cause : refuse('is no whole part of a fit.', undefined, cause);
  }
}

async function openPart(source: ByteSource, signal?: AbortSignal) {
  const refuse = (problem: string, remedy?: string, cause?: unknown): InputError =>
    new InputError(source.name, problem, { code: 'E_PART_FILE', remedy, cause });
  const file = await openSafetensors(source, signal);
  if (file.metadata.get('format') !== format) throw refuse('is no part of a fit.');
  const found = file.metadata.get('version');
  if (!read.has(found))
    throw new InputError(source.name, `is a part of version ${found}, this program reads versions up to ${version}.`, {
      code: 'E_REDUCER_VERSION',
      remedy: 'Update @deepearth/reducers, or make the part again.',
    });
  const head = parsed(file.metadata.get('head')) as PartHead | undefined;
  const metadata = parsed(file.metadata.get('content')) as Readonly<Record<string, Json>> | undefined;
  if (!isHead(head) || typeof metadata !== 'object' || Array.isArray(metadata))
    throw refuse('is no whole part of a fit.');
  return { file, head, metadata, refuse };
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}

function isHead(value: PartHead | undefined): value is PartHead {
  if (typeof value !== 'object') return false;
  const whole = (number: unknown): boolean => Number.isSafeInteger(number) && (number as number) >= 0;
  const { encoder } = value as { encoder?: Partial<EncoderIdentity> };
  return (
    typeof value.reduction === 'string' &&
    [value.channels, value.from, value.to, value.count].every(whole) &&
    value.from <= value.to &&
    typeof value.settings === 'object' &&
    (encoder === undefined || typeof encoder.fingerprint === 'string')
  );
}

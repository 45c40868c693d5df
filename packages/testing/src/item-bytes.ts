// Tells whether two items hold the same, and whether an item is what a spec says.

import { createHash } from 'node:crypto';
import type { Frame, Item } from '@deepearth/core/items';
import { axesKnown, type StreamSpec } from '@deepearth/core/specs';
import type { Tensor } from '@deepearth/core/tensor';

const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' &&
  value !== null &&
  'dtype' in value &&
  'shape' in value &&
  ArrayBuffer.isView((value as Tensor).data);
const isItem = (value: unknown): value is Item =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Item).kind === 'string' &&
  typeof (value as Item).key === 'string';
const isFrame = (item: Item): item is Frame => item.kind === 'frame' && typeof (item as Frame).read === 'function';

/** A digest of all an item says and holds; a frame's pixels are read, items inside it count by their keys. */
export async function itemDigest(item: Item): Promise<string> {
  const hash = createHash('sha256');
  const add = (value: unknown, top = false): void => {
    if (value === undefined || typeof value === 'function') return;
    if (ArrayBuffer.isView(value)) hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    else if (Array.isArray(value)) value.forEach((part) => add(part));
    else if (typeof value === 'object' && value !== null && !(isItem(value) && !top)) {
      for (const [name, part] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) {
        hash.update(`\n${name}:`);
        add(part);
      }
    } else hash.update(isItem(value) ? `${value.kind} ${value.id} ${value.key}` : `${typeof value} ${String(value)}`);
  };
  add(item, true);
  if (isFrame(item)) add(await item.read());
  return hash.digest('hex');
}

/** The tensors of an item, or a frame's pixels: its content without names; `undefined` where it has none. */
export async function contentDigest(item: Item): Promise<string | undefined> {
  const tensors = isFrame(item) ? [(await item.read()).values] : Object.values(item).filter(isTensor);
  if ('sha256' in item) return String(item.sha256);
  if (!tensors.length) return undefined;
  const hash = createHash('sha256');
  for (const { dtype, shape, data } of tensors)
    hash.update(`${dtype} ${shape.join()} `).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex');
}

/** The sizes and the dtype of an item's values, as far as they can be seen without reading pixels. */
function looks(item: Item): { shape: readonly (number | null)[]; dtype: string | null } | undefined {
  const { values, pixels, frames, width, height } = item as {
    values?: unknown;
    pixels?: unknown;
    frames?: readonly Frame[];
    width?: number;
    height?: number;
  };
  if (isTensor(values)) return values;
  if (isTensor(pixels)) return pixels;
  if (item.kind === 'frame') return { shape: [height ?? null, width ?? null, null], dtype: null };
  if (item.kind === 'clip' && frames)
    return { shape: [frames.length, frames[0]?.height ?? null, frames[0]?.width ?? null, null], dtype: null };
  return undefined;
}

/** Where an item is not what a spec says of it. */
export function mismatch(item: Item, stream: StreamSpec): string | undefined {
  if (item.kind !== stream.kind) return `is of kind ${item.kind}, describe says ${stream.kind}`;
  const seen = looks(item);
  if (!seen) return undefined;
  if (stream.dtype !== null && seen.dtype !== null && stream.dtype !== seen.dtype)
    return `is ${seen.dtype}, describe says ${stream.dtype}`;
  if (!axesKnown(stream)) return undefined;
  if (stream.axes.length !== seen.shape.length)
    return `has ${seen.shape.length} axes, describe says ${stream.axes.length} (${stream.axes.map(({ name }) => name).join(', ')})`;
  const wrong = stream.axes.findIndex(
    ({ size }, axis) => size !== null && seen.shape[axis] !== null && size !== seen.shape[axis],
  );
  return wrong < 0
    ? undefined
    : `has ${seen.shape[wrong]} along ${stream.axes[wrong]!.name}, describe says ${stream.axes[wrong]!.size}`;
}

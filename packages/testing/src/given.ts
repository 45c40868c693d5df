// Turns items into the input of a stage, with the spec that describes them.

import type { Item, KnownItem } from '@deepearth/core/items';
import { spec, type StreamSpec } from '@deepearth/core/specs';
import type { StageInput } from '@deepearth/runtime/run-stage';

/**
 * Items of one kind and their spec, read off the first; the spec has to be given where there is no item or where its
 * kind is a plugin's own.
 */
export function given<T extends Item>(items: readonly T[], stream: StreamSpec = specOf(items)): StageInput<T> {
  return { items, spec: { ...stream, axes: stream.axes.map((axis) => ({ ...axis })), count: items.length } };
}

/**
 * What can be said of items by looking at the first. Throws a `TypeError` for no items and for kinds it does not know.
 */
export function specOf(items: readonly Item[]): StreamSpec {
  const first = items[0] as KnownItem | undefined;
  const count = items.length;
  switch (first?.kind) {
    case 'frame':
      return spec('frame', { height: first.height, width: first.width, channels: 3 }, 'uint8', count);
    case 'clip':
      return spec(
        'clip',
        { time: first.frames.length, height: first.frames[0]!.height, width: first.frames[0]!.width, channels: 3 },
        'uint8',
        count,
      );
    case 'tokens':
      return spec('tokens', named(first.axes, first.values.shape), first.values.dtype, count);
    case 'embedding':
      return spec('embedding', named(first.axes, first.values.shape), first.values.dtype, count);
    case 'projection':
      return spec('projection', named(first.axes, first.values.shape), first.values.dtype, count);
    case 'picture':
      return spec('picture', named(['height', 'width', 'channels'], first.pixels.shape), first.pixels.dtype, count);
    case 'artifact':
      return spec('artifact', {}, null, count);
    default:
      throw new TypeError(
        `given(items, spec) needs the spec of ${items.length ? `items of kind ${JSON.stringify((items[0] as Item).kind)}` : 'no items'}`,
      );
  }
}

const named = (names: readonly string[], sizes: readonly number[]): Record<string, number> =>
  Object.fromEntries(names.map((name, index) => [name, sizes[index]!]));

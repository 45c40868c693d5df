// A frame whose pixels a transform changes, each by itself, and that can still be found again.

import {
  InputError,
  lineage,
  overviewRaster,
  readableFrame,
  readerOf,
  type Frame,
  type FrameRecord,
  type Json,
  type Locator,
  type LocatorReader,
  type Raster,
  type ReadOptions,
  type Rectangle,
  type StageContext,
} from '@deepearth/core';
import { z } from 'zod';

/** A change as plain data, which the locators of changed frames carry. */
export type Said = { readonly [name: string]: Json };

/** How a transform changes frames. */
export interface PixelChange {
  /** The transform, which opens such frames again: "transform/mask". */
  readonly type: string;
  /**
   * The changed pixels of `window`, the part of the frame that `raster` holds. It makes a raster of the same size and
   * leaves the one that it is given as it is.
   */
  apply(raster: Raster, window: Rectangle, said: Said, context: Pick<StageContext, 'share'>): Promise<Raster>;
}

/** Where the frame lies that was changed, as the locator of the changed one keeps it. */
const behind = z.object({
  source: z.string().min(1),
  decode: z.record(z.string(), z.json()).optional(),
  window: z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() }).optional(),
  change: z.record(z.string(), z.json()),
});

/** Takes the locator of a changed frame apart. Throws an `InputError` for one that does not say what was changed. */
function takenApart({ decode, ...place }: Omit<Locator, 'window'>): { readonly of: Locator; readonly said: Said } {
  const found = behind.safeParse(decode);
  if (!found.success)
    throw new InputError(place.uri, `its locator does not say of which frame ${place.source} made it.`, {
      code: 'E_LOCATOR',
      remedy: 'Make the file anew that the locator comes from.',
    });
  const { source, decode: own, window, change } = found.data;
  return { of: { ...place, source, ...(own && { decode: own }), ...(window && { window }) }, said: change };
}

/**
 * Reads the part of the frame as it is, changes it, and only then makes it smaller: what is masked counts for no mean.
 */
async function readChanged(
  read: (options: ReadOptions) => Promise<Raster>,
  { window, overview = 1, signal }: ReadOptions,
  apply: (raster: Raster, window: Rectangle) => Promise<Raster>,
): Promise<Raster> {
  const raster = await read({ ...(window && { window }), ...(signal && { signal }) });
  const [height, width] = raster.values.shape as [number, number, number];
  return overviewRaster(await apply(raster, window ?? { x: 0, y: 0, width, height }), overview);
}

/** Changes the frames of one stage. `record` is what else becomes of a frame. */
export function frameChanger(change: PixelChange, context: Pick<StageContext, 'share'>) {
  const readers = new WeakMap<LocatorReader, LocatorReader>();
  const readerBehind = (reader: LocatorReader): LocatorReader => {
    const known = readers.get(reader);
    if (known) return known;
    const read: LocatorReader = async (locator, options) => {
      const { of, said } = takenApart(locator);
      return readChanged(
        (part) => reader(of, part),
        options,
        (raster, at) => change.apply(raster, at, said, context),
      );
    };
    readers.set(reader, read);
    return read;
  };
  return (frame: Frame, said: Said, changed: Partial<FrameRecord> = {}): Frame => {
    const { read: _, ...whole } = frame;
    const { source, decode, window, ...place } = frame.locator;
    const record: FrameRecord = {
      ...whole,
      ...changed,
      key: lineage(change.type, frame.key, JSON.stringify(said)),
      locator: {
        ...place,
        source: change.type,
        decode: { source, ...(decode && { decode }), ...(window && { window: { ...window } }), change: said },
      },
    };
    const reader = readerOf(frame);
    if (reader) return readableFrame(record, readerBehind(reader));
    return {
      ...record,
      read: async (options = {}) =>
        readChanged(
          (part) => frame.read(part),
          options,
          (raster, at) => change.apply(raster, at, said, context),
        ),
    };
  };
}

/** `reopen` of a transform that changes pixels. */
export const reopenChanged =
  (change: PixelChange) =>
  async (
    locator: Omit<Locator, 'window'>,
    options: ReadOptions,
    { reopen, share }: Pick<StageContext, 'reopen' | 'share'>,
  ): Promise<Raster> => {
    const { of, said } = takenApart(locator);
    return readChanged(
      (part) => reopen(of, part),
      options,
      (raster, window) => change.apply(raster, window, said, { share }),
    );
  };

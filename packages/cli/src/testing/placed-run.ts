// A run of places: four tiles of a scene in UTM that fill a square, two clips of each, and a camera of which a point is
// known.

import { defineTransform, type Frame, type FrameRecord } from '@deepearth/core';
import { definePipeline, use } from '@deepearth/core/pipeline';
import { vjepa2 } from '@deepearth/model-vjepa2/vjepa2';
import { run } from '@deepearth/runtime/run';
import { features } from '@deepearth/sinks/features';
import { synthetic } from '@deepearth/sources/synthetic';
import { sliding } from '@deepearth/windowers/sliding';
import { z } from 'zod';

/** What `placedRun` makes. */
export const placed = {
  tiles: ['tile-00', 'tile-01', 'tile-10', 'tile-11'],
  camera: { longitude: 12.45, latitude: 47.63 },
  /** Upper left corner of the scene, in metres, and pixels of a tile. */
  corner: [300_000, 5_290_000],
  metersOfPixel: 60,
  edge: 128,
} as const;

const places = defineTransform({
  type: 'places',
  summary: 'Says where frames lie.',
  options: z.strictObject({}),
  examples: [],
  describe: (input) => ({ output: input! }),
  each: (frame: Frame): Frame => {
    const { read: _, ...record } = frame;
    const tile = placed.tiles.indexOf(frame.sequence as (typeof placed.tiles)[number]);
    const side = placed.edge * placed.metersOfPixel;
    const place: Partial<FrameRecord> =
      tile < 0
        ? { position: placed.camera }
        : {
            georeference: {
              crs: 'EPSG:32633',
              transform: [
                placed.metersOfPixel,
                0,
                placed.corner[0] + (tile % 2) * side,
                0,
                -placed.metersOfPixel,
                placed.corner[1] - Math.floor(tile / 2) * side,
              ],
            },
          };
    return { ...record, ...place, read: (options) => frame.read(options) };
  },
});

/** Runs into a folder, with files of tokens. */
export async function placedRun(output: string): Promise<void> {
  const names = [...placed.tiles, 'camera'];
  const sources = names.map((sequence, i) =>
    use(synthetic, { count: 16, width: placed.edge, height: placed.edge, seed: 20 + i, sequence }, { id: sequence }),
  );
  const pipeline = definePipeline(
    [
      ...sources,
      ...names.map((from) => use(places, {}, { id: `${from}-placed`, from })),
      use(sliding, { size: 8 }, { from: names.map((from) => `${from}-placed`) }),
      use(vjepa2, { cropSize: 128 }, { id: 'tokens' }),
      use(features, {}, { id: 'features' }),
    ],
    { name: 'places' },
  );
  await run(pipeline, { output }).end;
}

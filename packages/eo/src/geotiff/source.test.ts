import { fileURLToPath } from 'node:url';
import { existsSync, readFileSync } from 'node:fs';
import type { Frame, Raster, RunEvent } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { describe, expect, test } from 'vitest';
import { geotiffSource } from './source.ts';

const folder = fileURLToPath(new URL('../../../../../shared/reference/eo/geotiff/', import.meta.url));
test('x', async () => {
  const events: RunEvent[] = [];
  const found: { frame: Frame; raster: Raster }[] = [];
  for await (const frame of runStage(geotiffSource, {
    options: { files: `${folder}series_bad`, bands: ['B08'] },
    onError: 'skip',
    onEvent: (event) => events.push(event),
  } as any))
    found.push({ frame, raster: await frame.read() });
  console.log(
    found.map((f) => [
      f.frame.id,
      f.frame.at,
      f.frame.seconds,
      f.frame.number,
      f.raster.values.dtype,
      f.frame.georeference,
    ]),
    events,
  );
  for await (const frame of runStage(geotiffSource, {
    options: { files: `${folder}series_good/*0001*`, bands: ['B08'], tile: { size: 64, overlap: 16 } },
  } as any))
    console.log(frame);
});

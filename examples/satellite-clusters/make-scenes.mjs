// Makes 16 GeoTIFFs of ten bands and classes. node examples/satellite-clusters/make-scenes.mjs [FOLDER]

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCog } from '@deepearth/eo';
import { crs, dates, height, left, names, sceneOf, timeOf, top, width } from './scene.mjs';

const folder = process.argv[2] ?? 'satellite-scenes';

await mkdir(folder, { recursive: true });
for (let date = 0; date < dates; date++) {
  const at = timeOf(date);
  const scene = sceneOf(date);
  const parts = writeCog({
    width,
    height,
    bands: names.length,
    type: 'uint16',
    crs,
    transform: [10, 0, left, 0, -10, top],
    nodata: 0,
    resampling: 'mode',
    bandNames: names,
    at,
    read({ x, y, width: columns, height: rows }) {
      const line = columns * names.length;
      const out = new Uint16Array(rows * line);
      for (let row = 0; row < rows; row++) {
        const from = ((y + row) * width + x) * names.length;
        out.set(scene.subarray(from, from + line), row * line);
      }
      return out;
    },
  });
  const bytes = [];
  for await (const part of parts) bytes.push(part);
  const name = `T33UUP_${at.slice(0, 19).replace(/[-:]/g, '')}.tif`;
  await writeFile(join(folder, name), Buffer.concat(bytes));
}
console.log(`${dates} scenes of ${names.length} bands are in ${folder}`);

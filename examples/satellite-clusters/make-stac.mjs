// Makes the same dates as a search of a catalog returns them: a file for each band, of 10 or 20 m, and `items.json`,
// the latest item first. node examples/satellite-clusters/make-stac.mjs [FOLDER] [DATES]

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCog } from '@deepearth/eo';
import { crs, dates, height, left, names, sceneOf, timeOf, top, width } from './scene.mjs';

const folder = process.argv[2] ?? 'satellite-stac';
const count = Number(process.argv[3] ?? dates);
/** Keys of assets, their bands, and the edge of their pixels in metres. */
const assets = {
  red: ['B04', 10],
  green: ['B03', 10],
  nir: ['B08', 10],
  swir16: ['B11', 20],
  scl: ['SCL', 20],
};

const items = [];
for (let date = 0; date < count; date++) {
  const datetime = timeOf(date);
  const scene = sceneOf(date);
  const id = `S2A_33UUP_${datetime.slice(0, 10).replaceAll('-', '')}_0_L2A`;
  await mkdir(join(folder, id), { recursive: true });
  for (const [key, [name, metres]] of Object.entries(assets)) {
    const step = metres / 10;
    const band = names.indexOf(name);
    const isClass = key === 'scl';
    const parts = writeCog({
      width: width / step,
      height: height / step,
      bands: 1,
      type: isClass ? 'uint8' : 'uint16',
      crs,
      transform: [metres, 0, left, 0, -metres, top],
      nodata: 0,
      resampling: 'mode',
      at: datetime,
      read({ x, y, width: columns, height: rows }) {
        const out = new (isClass ? Uint8Array : Uint16Array)(columns * rows);
        for (let i = 0; i < out.length; i++)
          out[i] = scene[((y + Math.floor(i / columns)) * width + x + (i % columns)) * step * names.length + band];
        return out;
      },
    });
    const bytes = [];
    for await (const part of parts) bytes.push(part);
    await writeFile(join(folder, id, `${key}.tif`), Buffer.concat(bytes));
  }
  items.push({
    type: 'Feature',
    stac_version: '1.1.0',
    id,
    collection: 'sentinel-2-like',
    geometry: null,
    properties: { datetime, 'eo:cloud_cover': cloudCover(scene), 'grid:code': 'MGRS-33UUP', platform: 'made' },
    links: [],
    assets: Object.fromEntries(
      Object.entries(assets).map(([key, [name]]) => [
        key,
        {
          href: `./${id}/${key}.tif`,
          type: 'image/tiff; application=geotiff; profile=cloud-optimized',
          roles: ['data'],
          bands: [
            key === 'scl' ? { name, nodata: 0 } : { name, nodata: 0, 'raster:scale': 0.0001, 'raster:offset': 0 },
          ],
        },
      ]),
    ),
  });
}
const search = { type: 'FeatureCollection', features: items.reverse(), numberMatched: items.length };
await writeFile(join(folder, 'items.json'), `${JSON.stringify(search, null, 2)}\n`);
console.log(`${count} items of ${Object.keys(assets).length} assets are in ${join(folder, 'items.json')}`);

/** Percent of what was seen. */
function cloudCover(scene) {
  const classes = scene.filter((_, i) => names[i % names.length] === 'SCL');
  const seen = classes.filter((value) => value !== 0).length;
  return Math.round((1000 * classes.filter((value) => value === 9).length) / seen) / 10;
}

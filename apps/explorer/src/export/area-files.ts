// Files of areas: a mask, polygons in degrees, a raster in the coordinates of the run.

import { toDegreesOf } from '@deepearth/eo/crs/to-degrees';
import { partOf } from '@deepearth/eo/affine';
import { writeCog } from '@deepearth/eo/geotiff/write-cog';
import { cellsInside } from '@deepearth/eo/place/cells-inside';
import type { Bundle } from '../bundle/bundle.ts';
import { frameOfStep } from '../bundle/bundle.ts';
import type { Areas } from './areas.ts';
import { regionsOf, type Ring } from './regions.ts';

type Indexed = Pick<Bundle, 'clips' | 'sequences' | 'places'>;

/** Where the frames of a clip lie, or why they lie nowhere. */
function placeOf({ clips, places }: Indexed, clip: number) {
  const { place } = clips[clip]!;
  const found = place === undefined ? undefined : places?.all[place];
  if (!found) return { why: 'the frames of this clip have no place on the Earth' };
  if (!('system' in found)) return { why: 'of this clip only the place of the camera is known, not that of pixels' };
  return { crs: places!.systems[found.system]!, transform: found.transform };
}

/** Why there is no raster of a clip in coordinates; `undefined` where there is one. */
export const noRaster = (bundle: Indexed, clip: number): string | undefined => placeOf(bundle, clip).why;

/** Why there are no polygons in degrees; `undefined` where there are. */
export function noPolygons(bundle: Indexed, clip: number): string | undefined {
  const { why, crs } = placeOf(bundle, clip);
  if (crs !== undefined && !toDegreesOf(crs))
    return `degrees of ${crs.slice(0, 40)} are not known here; a GeoTIFF has its coordinates`;
  return why;
}

/**
 * RGBA of the size of the frame, `[height, width, 4]`: white where one area is; of several, the number of each from 1
 * on as grey.
 */
export function maskPixels({ clips }: Indexed, { clip, of, names }: Areas): ImageData {
  const { grid, geometry } = clips[clip]!;
  const { frameWidth: width, frameHeight: height } = geometry;
  const [, rows, columns] = grid;
  const out = new ImageData(width, height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const row = Math.floor(((y + 0.5 - geometry.y) / geometry.height) * rows);
      const column = Math.floor(((x + 0.5 - geometry.x) / geometry.width) * columns);
      const inside = row >= 0 && column >= 0 && row < rows && column < columns;
      const area = inside ? of[row * columns + column]! : -1;
      const value = area < 0 ? 0 : names.length === 1 ? 255 : area + 1;
      out.data.set([value, value, value, 255], (y * width + x) * 4);
    }
  return out;
}

/**
 * A GeoJSON FeatureCollection (RFC 7946): a MultiPolygon in degrees for each area, cells that touch made one. Throws
 * where `noPolygons` says why.
 */
export function areaPolygons(bundle: Indexed, areas: Areas): string {
  const { crs, transform } = placeOf(bundle, areas.clip);
  const toDegrees = crs === undefined ? undefined : toDegreesOf(crs);
  if (!toDegrees || !transform) throw new Error(`No polygons: ${noPolygons(bundle, areas.clip)}.`);
  const { grid, geometry, sequence } = bundle.clips[areas.clip]!;
  const [, rows, columns] = grid;
  const [a, b, c, d, e, f] = transform;
  const clamp = (value: number, most: number): number => Math.min(most, Math.max(0, value));
  const point = ([column, row]: readonly [number, number]): [number, number] => {
    const x = clamp(geometry.x + (column / columns) * geometry.width, geometry.frameWidth);
    const y = clamp(geometry.y + (row / rows) * geometry.height, geometry.frameHeight);
    const [longitude, latitude] = toDegrees(a * x + b * y + c, d * x + e * y + f);
    // A centimetre.
    return [Number(longitude.toFixed(7)), Number(latitude.toFixed(7))];
  };
  const inside = cellsInside(geometry, rows, columns);
  const within = (at: number, { first, count }: { first: number; count: number }): boolean =>
    at >= first && at < first + count;
  // Rows that run to the south make a line with the clock of one with it on the picture.
  const mirrored = a * e - b * d < 0;
  const closed = (ring: Ring): [number, number][] => {
    const points = ring.map(point);
    if (mirrored) points.reverse();
    return [...points, points[0]!];
  };
  const frame = frameOfStep(bundle.clips[areas.clip]!, areas.step);
  const { name, numbers, at } = bundle.sequences[sequence]!;
  const features = areas.names.flatMap((area, index) => {
    const regions = regionsOf(
      (row, column) =>
        within(row, inside.rows) && within(column, inside.columns) && areas.of[row * columns + column] === index,
      rows,
      columns,
    );
    if (regions.length === 0) return [];
    const properties = { name: area, sequence: name, frame: numbers[frame], ...(at?.[frame] && { time: at[frame] }) };
    const coordinates = regions.map((region) => region.map(closed));
    return [{ type: 'Feature', properties, geometry: { type: 'MultiPolygon', coordinates } }];
  });
  return `${JSON.stringify({ type: 'FeatureCollection', features })}\n`;
}

/**
 * A cloud-optimised GeoTIFF with a pixel for each cell that sees a part of the frame: 0 for none, areas from 1 on with
 * their colours. Throws where `noRaster` says why.
 */
export async function areaRaster(bundle: Indexed, areas: Areas, signal?: AbortSignal): Promise<Blob> {
  const { why, crs, transform } = placeOf(bundle, areas.clip);
  if (crs === undefined) throw new Error(`No raster: ${why}.`);
  const { grid, geometry, sequence } = bundle.clips[areas.clip]!;
  const [, height, width] = grid;
  const { rows, columns } = cellsInside(geometry, height, width);
  const cell = { width: geometry.width / width, height: geometry.height / height };
  const at = bundle.sequences[sequence]!.at?.[frameOfStep(bundle.clips[areas.clip]!, areas.step)];
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const file = writeCog(
    {
      width: columns.count,
      height: rows.count,
      bands: 1,
      type: 'uint8',
      crs,
      transform: partOf(transform, {
        x: geometry.x + columns.first * cell.width,
        y: geometry.y + rows.first * cell.height,
        ...cell,
      }),
      nodata: 0,
      palette: [[0, 0, 0], ...areas.colors],
      resampling: 'mode',
      bandNames: [areas.kind],
      tags: Object.fromEntries(areas.names.map((name, i) => [`CLASS_${i + 1}`, name])),
      ...(at && { at }),
      read: (part) =>
        Uint8Array.from({ length: part.width * part.height }, (_, i) => {
          const row = rows.first + part.y + Math.floor(i / part.width);
          return areas.of[row * width + columns.first + part.x + (i % part.width)]! + 1;
        }),
    },
    undefined,
    signal,
  );
  for await (const piece of file) pieces.push(piece as Uint8Array<ArrayBuffer>);
  return new Blob(pieces, { type: 'image/tiff' });
}

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Artifact, Georeference, TokenGrid } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { given, makeTokens } from '@deepearth/testing';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apply, type Affine } from '../affine.ts';
import { geoparquetSink } from '../geoparquet/sink.ts';
import { openGeoTiff } from '../geotiff/open-geotiff.ts';
import { geotiffSink } from '../geotiff/sink.ts';
import { placed } from '../testing/placed-grids.ts';
import { openZarr } from '../zarr/open-zarr.ts';
import { zarrSink } from '../zarr/sink.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'same-place-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A raster as each of the sinks wrote it. */
interface Written {
  readonly transform: Affine;
  readonly width: number;
  readonly height: number;
  /** Of one band, row by row. */
  readonly values: readonly number[];
}

async function geotiff(item: TokenGrid): Promise<Written> {
  const output = await mkdtemp(join(root, 'raster-'));
  const files: Artifact[] = [];
  for await (const file of runStage(geotiffSink, { inputs: [given([item])], output })) files.push(file as Artifact);
  const raster = await openGeoTiff(join(output, files[0]!.path));
  const { bands } = await raster.read();
  await raster.close();
  return { transform: raster.transform!, width: raster.width, height: raster.height, values: [...bands[0]!] };
}

async function zarr(item: TokenGrid): Promise<Written & { readonly x?: number[]; readonly y?: number[] }> {
  const output = await mkdtemp(join(root, 'cube-'));
  for await (const _ of runStage(zarrSink, { inputs: [given([item])], output }));
  const cube = await openZarr(join(output, 'cube.zarr'));
  const numbers = async (name: string) => {
    const array = cube.arrays.get(name);
    return array && Array.from((await array.read()).data as Float64Array, Number);
  };
  const [values, x, y] = [await numbers('features'), await numbers('x'), await numbers('y')];
  await cube.close();
  const [height, width] = cube.attributes['spatial:shape'] as [number, number];
  const transform = cube.attributes['spatial:transform'] as unknown as Affine;
  return { transform, width, height, values: values!, ...(x && { x }), ...(y && { y }) };
}

async function geoparquet(
  item: TokenGrid,
): Promise<{ middle: [number, number]; corners: [number, number][]; value: number }[]> {
  const output = await mkdtemp(join(root, 'table-'));
  for await (const _ of runStage(geoparquetSink, { inputs: [given([item])], output }));
  const { buffer, byteOffset, byteLength } = await readFile(join(output, 'features.parquet'));
  const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  return (await parquetReadObjects({ file, geoparquet: true })).map(({ geometry, embedding }) => {
    const corners = (geometry.coordinates[0] as [number, number][]).slice(0, 4);
    const mean = (axis: 0 | 1) => corners.reduce((sum, corner) => sum + corner[axis], 0) / 4;
    return { middle: [mean(0), mean(1)], corners, value: embedding[0] as number };
  });
}

const step = fc.double({ min: 0.5, max: 30, noNaN: true });
const turn = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.double({ min: -0.4, max: 0.4, noNaN: true }));
const transforms = fc
  .tuple(step, step, turn, fc.boolean(), fc.integer({ min: 100_000, max: 900_000 }), fc.integer({ min: 1e6, max: 9e6 }))
  .map(([a, e, b, south, c, f]): Affine => [a, b * a, c, b * e, south ? e : -e, f]);
/** What an encoder saw of a frame: less than all of it, or more. */
const geometries = fc.record({
  frameWidth: fc.integer({ min: 20, max: 400 }),
  frameHeight: fc.integer({ min: 20, max: 400 }),
  left: fc.double({ min: -0.3, max: 0.3, noNaN: true }),
  top: fc.double({ min: -0.3, max: 0.3, noNaN: true }),
  scale: fc.double({ min: 0.5, max: 1.5, noNaN: true }),
});

describe('the sinks', () => {
  test('place every token alike, to a billionth of a cell, north up, whatever an encoder saw of a frame and however it lies', async () => {
    const [made] = makeTokens({ count: 1, time: 1, height: 5, width: 4, channels: 1 });
    await fc.assert(
      fc.asyncProperty(transforms, geometries, async (transform, { frameWidth, frameHeight, left, top, scale }) => {
        const georeference: Georeference = { crs: 'EPSG:32633', transform };
        const geometry = {
          frameWidth,
          frameHeight,
          x: left * frameWidth,
          y: top * frameHeight,
          width: scale * frameWidth,
          height: scale * frameHeight,
        };
        const item = placed({ ...made!, origin: { kind: 'picture', geometry } as never }, () => ({
          width: frameWidth,
          height: frameHeight,
          georeference,
        }));
        const [raster, cube, rows] = [await geotiff(item), await zarr(item), await geoparquet(item)];
        expect(cube).toMatchObject({ width: raster.width, height: raster.height, values: raster.values });
        const [a, b, c, d, e, f] = raster.transform;
        const cell = Math.sqrt(Math.abs(a * e - b * d));
        for (const [at, number] of cube.transform.entries())
          expect(Math.abs(number - raster.transform[at]!) / cell).toBeLessThan(1e-9);
        if (b === 0 && d === 0) expect(e).toBeLessThan(0);
        for (const [column, x] of (cube.x ?? []).entries())
          expect(Math.abs(x - (c + a * (column + 0.5))) / cell).toBeLessThan(1e-9);
        for (const [row, y] of (cube.y ?? []).entries())
          expect(Math.abs(y - (f + e * (row + 0.5))) / cell).toBeLessThan(1e-9);
        expect(cube.x === undefined).toBe(b !== 0 || d !== 0);

        // Every row is a pixel of the raster: found by its middle, with its value, its corners at those of the pixel.
        expect(rows).toHaveLength(raster.values.length);
        const determinant = a * e - b * d;
        const pixels = rows.map(({ middle: [x, y], corners, value }) => {
          const column = Math.round((e * (x - c) - b * (y - f)) / determinant - 0.5);
          const row = Math.round((a * (y - f) - d * (x - c)) / determinant - 0.5);
          expect(raster.values[row * raster.width + column]).toBe(value);
          const own = [
            [0, 0],
            [1, 0],
            [1, 1],
            [0, 1],
          ].map(([dx, dy]) => apply(raster.transform, column + dx!, row + dy!));
          for (const [cx, cy] of corners) {
            const off = Math.min(...own.map(([ox, oy]) => Math.hypot(cx - ox, cy - oy)));
            expect(off / cell).toBeLessThan(1e-9);
          }
          return row * raster.width + column;
        });
        expect(new Set(pixels).size).toBe(raster.values.length);
      }),
      { numRuns: 12 },
    );
  });
});

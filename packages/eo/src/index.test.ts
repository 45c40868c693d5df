import { expect, test } from 'vitest';
import * as everything from './index.ts';
import { stages } from './stages.ts';

test('every stage is listed under its own type', async () => {
  for (const [type, load] of Object.entries(stages)) expect((await load()).type).toBe(type);
});

test('what the package exports is what it is meant to', () => {
  expect(Object.keys(everything).sort()).toMatchInlineSnapshot(`
    [
      "boundsOf",
      "cubeOptions",
      "cubeQuicklook",
      "geoparquetSink",
      "geoparquetSinkOptions",
      "geotiffOf",
      "geotiffSink",
      "geotiffSinkOptions",
      "geotiffSource",
      "geotiffSourceOptions",
      "inspectCube",
      "inspectEarth",
      "inspectGeoTiff",
      "inspectStac",
      "isNorthUp",
      "isTiff",
      "isZarr",
      "netcdf",
      "openBytes",
      "openGeoTiff",
      "openHttp",
      "openNetcdf",
      "openZarr",
      "partOf",
      "rasterQuicklook",
      "stacSource",
      "stacSourceOptions",
      "stages",
      "toGdal",
      "writeCog",
      "zarr",
      "zarrSink",
      "zarrSinkOptions",
    ]
  `);
});

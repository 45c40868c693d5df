// Reads frames from NetCDF files.

import { defineCubeSource } from './cube-source.ts';
import { openNetcdf } from './netcdf/open-netcdf.ts';

/** The stage `source/netcdf`. */
export const netcdf = defineCubeSource({
  type: 'netcdf',
  summary: 'Reads a variable of NetCDF files as a sequence of frames, one for each time.',
  pathDescription:
    'A NetCDF file (classic, 64-bit offset, CDF-5, NetCDF-4): a path or an address (`https://…`); or several whose times follow one another.',
  examples: [
    '- type: source/netcdf\n  with: { path: forecast.nc }',
    '- type: source/netcdf\n  with: { path: forecast.nc, variable: t2m, colorMap: turbo, stretch: { range: [250, 310] } }',
    '- type: source/netcdf\n  with: { path: [january.nc, february.nc], variable: z, select: { level: 500 } }',
    '- type: source/netcdf\n  with: { path: forecast.nc, variable: rain, times: [-2, -1, 0] }',
  ],
  open: (path, { signal }) => openNetcdf(path, signal),
});

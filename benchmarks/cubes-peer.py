"""The Python side of cubes.mjs: zarr-python and netCDF4 make the cubes, then read the parts they are told on stdin and answer seconds.

Started by `node benchmarks/cubes.mjs --python PYTHON`; needs zarr and netCDF4.
"""
import os
import sys
import time

import netCDF4
import numpy as np
import zarr
from numcodecs import Blosc
from zarr.codecs import GzipCodec, ZstdCodec

folder, size, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chunk = (1, 512, 512)
stores = {
    'v2-blosc-lz4.zarr': dict(zarr_format=2, chunks=chunk, compressors=Blosc('lz4', 5, Blosc.SHUFFLE)),
    'v2-blosc-zstd.zarr': dict(zarr_format=2, chunks=chunk, compressors=Blosc('zstd', 5, Blosc.BITSHUFFLE)),
    'v3-zstd.zarr': dict(zarr_format=3, chunks=chunk, compressors=ZstdCodec(level=3)),
    'v3-gzip.zarr': dict(zarr_format=3, chunks=chunk, compressors=GzipCodec(level=5)),
    'v3-sharded-zstd.zarr': dict(zarr_format=3, chunks=(1, 256, 256), shards=(1, size, size), compressors=ZstdCodec(level=3)),
    'v3-none.zarr': dict(zarr_format=3, chunks=chunk, compressors=None),
}


def field():
    """A field that drifts, with noise, so that it compresses about as well as packed weather or a satellite picture."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:size, 0:size].astype('f4') / 90
    for t in range(times):
        yield (2500 + 900 * np.sin(x + t / 3) + 700 * np.cos(y * 1.3 - t / 5) + rng.normal(0, 20, (size, size))).astype('u2')


def make():
    arrays = {name: zarr.create_array(f'{folder}/{name}', shape=(times, size, size), dtype='u2', overwrite=True, **options) for name, options in stores.items()}
    files = {}
    for name, options in {'nc4-deflate.nc': dict(zlib=True, complevel=4, shuffle=True, chunksizes=chunk), 'nc3.nc': {}}.items():
        d = files[name] = netCDF4.Dataset(f'{folder}/{name}', 'w', format='NETCDF4' if options else 'NETCDF3_64BIT_DATA')
        for axis, count in (('t', times), ('y', size), ('x', size)):
            d.createDimension(axis, count)
        d.createVariable('v', 'u2', ('t', 'y', 'x'), **options)
    for t, values in enumerate(field()):
        for array in arrays.values():
            array[t] = values
        for d in files.values():
            d['v'][t] = values
    for d in files.values():
        d.close()


if not os.path.exists(f'{folder}/nc3.nc'):
    make()
print(f'zarr-python {zarr.__version__}, netCDF4 {netCDF4.__version__}', flush=True)
for line in sys.stdin:
    name, t, y, x, edge = line.split()
    t, y, x, edge = map(int, (t, y, x, edge))
    start, used = time.perf_counter(), time.process_time()
    part = (t, slice(y, y + edge), slice(x, x + edge))
    if name.endswith('.zarr'):
        values = zarr.open_array(f'{folder}/{name}', mode='r')[part]
    else:
        with netCDF4.Dataset(f'{folder}/{name}') as d:
            d.set_auto_maskandscale(False)
            values = d['v'][part]
    seconds, used = time.perf_counter() - start, time.process_time() - used
    print(f'{seconds} {used} {int(values.astype("u8").sum())}', flush=True)

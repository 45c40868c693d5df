"""The Python side of eo.mjs: rasterio makes the files, then reads the windows it is told on stdin and answers seconds.

Started by `node benchmarks/eo.mjs --python PYTHON`; needs rasterio.
"""
import os
import sys
import time

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

folder, size, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
codecs = {
    'deflate': dict(compress='DEFLATE', predictor='NO'),
    'deflate-p2': dict(compress='DEFLATE', predictor='YES'),
    'lzw': dict(compress='LZW', predictor='NO'),
    'lzw-p2': dict(compress='LZW', predictor='YES'),
    'zstd-p2': dict(compress='ZSTD', predictor='YES'),
    'none': dict(compress='NONE'),
}


def scene(bands):
    """Hills with noise, so that it compresses about as well as a satellite picture does."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:size, 0:size].astype('f4') / 300
    hills = np.sin(x) * np.cos(y * 1.3) + np.sin(x * 3.1 + y * 2.3) * 0.3
    for band in range(bands):
        yield (2000 + 900 * hills + 150 * band + rng.normal(0, 25, (size, size)).astype('f4')).astype('u2')


def make(bands):
    source = f'{folder}/source-{bands}.tif'
    with rasterio.open(source, 'w', driver='GTiff', width=size, height=size, count=bands, dtype='uint16', tiled=True, interleave='band',
                       crs='EPSG:32633', transform=from_origin(4e5, 5.3e6, 10, 10)) as d:
        for i, values in enumerate(scene(bands)):
            d.write(values, i + 1)
    for name, options in codecs.items():
        path = f'{folder}/{name}-{bands}.tif'
        if not os.path.exists(path):
            rasterio.shutil.copy(source, path, driver='COG', blocksize=512, overviews='NONE', num_threads='ALL_CPUS', **options)
    os.remove(source)


if not os.path.exists(f'{folder}/none-{count}.tif'):
    import rasterio.shutil
    make(count)
print(f'rasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}', flush=True)
for line in sys.stdin:
    path, x, y, edge = line.split()
    start = time.perf_counter()
    # A block that GDAL decoded before is not decoded again: each reading opens the file anew, as ours does.
    with rasterio.open(f'{folder}/{path}') as d:
        values = d.read(window=Window(int(x), int(y), int(edge), int(edge)))
    seconds = time.perf_counter() - start
    print(f'{seconds} {int(values.astype("u8").sum())}', flush=True)

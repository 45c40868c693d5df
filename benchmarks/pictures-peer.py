"""Times Pillow on the same work as pictures.mjs: python benchmarks/pictures-peer.py DIRECTORY_OF_FRAMES DIRECTORY_OF_PNGS

The PNGs are pictures of 384 x 384 as `source/synthetic` and `sink/pictures` write them.
"""
import hashlib
import io
import statistics
import sys
import time
from pathlib import Path

import numpy
from PIL import Image


def timed(name, rounds, work):
    taken = []
    for i in range(rounds):
        start = time.perf_counter()
        work(i)
        taken.append(time.perf_counter() - start)
    print(f"{name:52} {statistics.median(taken[rounds // 4:]) * 1e3:.2f} ms")


tiffs = sorted(Path(sys.argv[1]).glob("*.tif"))


def decode(i):
    data = tiffs[i % len(tiffs)].read_bytes()
    hashlib.sha256(data).hexdigest()
    numpy.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


timed("read, digest and decode a TIFF of 360 x 360", 48, decode)
pictures = [Image.open(path).convert("RGB") for path in sorted(Path(sys.argv[2]).glob("*.png"))[:48]]
timed("PNG of 384 x 384", len(pictures), lambda i: pictures[i].save(io.BytesIO(), "PNG"))
start = time.perf_counter()
file = io.BytesIO()
many = pictures * 4
many[0].save(file, "GIF", save_all=True, append_images=many[1:], duration=83, loop=0)
print(f"{'GIF, per picture, palette included':52} {(time.perf_counter() - start) / len(many) * 1e3:.2f} ms, {file.tell() // len(many) // 1024} KiB")

"""The peer of drawing.mjs: python drawing.py FRAMES OUTPUT [444] reads, resizes the grid, blends and encodes with OpenCV.

With 444 the files have the colours of every pixel, as those of the run; OpenCV halves them otherwise.
"""

import json
import os
import resource
import sys
import time

import cv2
import numpy as np

frames, output, *chroma = sys.argv[1:]
settings = [cv2.IMWRITE_JPEG_QUALITY, 90]
if chroma:
    settings += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
os.makedirs(f"{output}/overlay")
os.makedirs(f"{output}/stacked")
grids = [np.random.default_rng(i).integers(0, 256, (24, 24, 3), np.uint8) for i in range(32)]
started = time.perf_counter()
before = resource.getrusage(resource.RUSAGE_SELF)
size = 0
for number, name in enumerate(sorted(os.listdir(frames))):
    frame = cv2.imread(f"{frames}/{name}")
    colours = cv2.resize(grids[number // 2], (frame.shape[1], frame.shape[0]), interpolation=cv2.INTER_NEAREST)
    overlay = cv2.addWeighted(frame, 0.5, colours, 0.5, 0)
    for layer, picture in (("overlay", overlay), ("stacked", np.vstack([frame, overlay]))):
        path = f"{output}/{layer}/{name}"
        cv2.imwrite(path, picture, settings)
        size += os.path.getsize(path)
seconds = time.perf_counter() - started
used = resource.getrusage(resource.RUSAGE_SELF)
user, system = used.ru_utime - before.ru_utime, used.ru_stime - before.ru_stime
print(json.dumps({"seconds": seconds, "user": user, "system": system, "bytes": size}))

"""The steps of the Python scripts after the encoder, with all flags, in one process:

    python old-pipeline-peer.py FRAMES FEATURES OUTPUT

FRAMES holds the pictures, FEATURES one .npy of [8, 24, 24, channels] for each window of 16 frames. UMAP is fitted to each
window for pictures and to all windows for videos, PCA to each step of time, as the scripts do. Prints the seconds of
each step as JSON, and those of the processor. umap-learn compiles before the clock starts.
"""
import json
import resource
import shutil
import sys
import time
import warnings
import zipfile
from pathlib import Path

import cv2
import imageio
import matplotlib
import numpy as np
import umap
from PIL import Image
from sklearn.decomposition import PCA

warnings.filterwarnings("ignore")
frames_folder, features_folder, output = map(Path, sys.argv[1:4])
umap.UMAP(n_components=3).fit_transform(np.random.default_rng(0).random((600, 16), dtype=np.float32))

seconds = {}
begun = last = time.perf_counter()
before = resource.getrusage(resource.RUSAGE_SELF)


def done(step):
    global last
    now = time.perf_counter()
    seconds[step] = round(seconds.get(step, 0) + now - last, 2)
    last = now


fps, turbo = 12, matplotlib.colormaps["turbo"]
paths = sorted(frames_folder.glob("*.png"))
windows = [np.load(path).astype(np.float32) for path in sorted(features_folder.glob("*.npy"))]
channels = windows[0].shape[-1]
done("read features")


def scaled(values):
    low, high = values.min(0), values.max(0)
    return (values - low) / (high - low + 1e-8)


def reduce(tokens):
    return umap.UMAP(n_components=3, n_neighbors=15, min_dist=0.1).fit_transform(tokens)


def colours_of_umap(reduced):
    return (scaled(reduced) * 255).astype(np.uint8).reshape(-1, 24, 24, 3)


def colours_of_pca(step):
    one = scaled(PCA(n_components=1).fit_transform(step.reshape(-1, channels)))
    return (turbo(one.reshape(24, 24))[..., :3] * 255).astype(np.uint8)


def enlarged(grid, size):
    return cv2.resize(grid, (size, size), interpolation=cv2.INTER_NEAREST)


# Pictures of every window
for index, window in enumerate(windows):
    folder = output / "visualizations" / f"frames_{16 * index:04d}_{16 * index + 15:04d}"
    folder.mkdir(parents=True)
    colours = colours_of_umap(reduce(window.reshape(-1, channels)))
    done("UMAP for pictures")
    for t in range(8):
        Image.fromarray(enlarged(colours[t], 240)).save(folder / f"umap_t{t}.png")
    done("write pictures")
    for t in range(8):
        step = colours_of_pca(window[t])
        done("PCA for pictures")
        Image.fromarray(enlarged(step, 240)).save(folder / f"pca_t{t}.png")
        done("write pictures")
    for i in range(16):
        picture = Image.open(paths[16 * index + i]).convert("RGB")
        picture.save(folder / f"original_t{i // 2}_frame_{i:02d}.png")
    done("write pictures")

# Videos
everything = colours_of_umap(reduce(np.concatenate([window.reshape(-1, channels) for window in windows])))
done("UMAP for videos")
principal = [colours_of_pca(step) for window in windows for step in window]
done("PCA for videos")
originals = [np.asarray(Image.open(path).convert("RGB")) for path in paths]


def stacked(i):
    frame = cv2.resize(originals[i], (1024, 1024))
    return np.vstack([frame, cv2.addWeighted(frame, 0.5, enlarged(everything[i // 2], 1024), 0.5, 0)])


count = 16 * len(windows)
shown = {
    "original": lambda i: originals[i],
    "umap": lambda i: enlarged(everything[i // 2], 480),
    "pca": lambda i: enlarged(principal[i // 2], 480),
    "stacked": stacked,
}
videos = output / "videos"
videos.mkdir()
for name, draw in shown.items():
    pictures = [draw(i) for i in range(count)]
    done("draw videos")
    height, width = pictures[0].shape[:2]
    file = f"frames_0000_{count - 1:04d}_{name}"
    writer = cv2.VideoWriter(str(videos / f"{file}.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), fps, (width, height))
    for picture in pictures:
        writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    writer.release()
    done("write MP4")
    imageio.mimsave(videos / f"{file}.gif", pictures, duration=1000 / fps, loop=0)
    done("write GIF")

# The package
package = output / "package"
package.mkdir()
for name in ["visualizations", "videos"]:
    shutil.copytree(output / name, package / name)
shutil.copytree(features_folder, package / "embeddings")
with zipfile.ZipFile(output / "package.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for path in sorted(package.rglob("*")):
        archive.write(path, path.relative_to(package))
done("package")
used = resource.getrusage(resource.RUSAGE_SELF)
user, system = used.ru_utime - before.ru_utime, used.ru_stime - before.ru_stime
print(json.dumps({"seconds": round(last - begun, 2), "user": round(user, 2), "system": round(system, 2), "steps": seconds}))

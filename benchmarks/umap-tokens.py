"""Makes token sets for the UMAP measurements from real aerial frames: a 3-D DCT of each tubelet (2 frames x 16 x 16 pixels x RGB), projected to 1,408 channels.

    python umap-tokens.py FRAMES_FOLDER OUT.npy --clips 2      (4,608 tokens a clip: 8 x 24 x 24)

Clips differ by the window cut from the frames (shifted and scaled), so neighbouring clips overlap as those of a moving camera do.
"""
import argparse, glob, os
import numpy as np
from PIL import Image
from scipy.fft import dctn

ap = argparse.ArgumentParser()
ap.add_argument('frames'); ap.add_argument('out')
ap.add_argument('--clips', type=int, default=2); ap.add_argument('--channels', type=int, default=1408); ap.add_argument('--seed', type=int, default=7)
opt = ap.parse_args()
names = sorted(glob.glob(os.path.join(opt.frames, '*.tif')))
frames = [Image.open(name).convert('RGB') for name in names]
rng = np.random.default_rng(opt.seed)
q, _ = np.linalg.qr(rng.standard_normal((1536, opt.channels)))
out = np.lib.format.open_memmap(opt.out, mode='w+', dtype=np.float32, shape=(opt.clips * 4608, opt.channels))
for clip in range(opt.clips):
    side = 232 + 16 * (clip * 5 % 9)                       # 232 to 360 pixels, scaled to 384
    left, top = ((clip * 37) % 9) * (360 - side) // 8, ((clip * 61) % 9) * (360 - side) // 8
    video = np.stack([np.asarray(frames[(clip * 3 + t) % len(frames)].crop((left, top, left + side, top + side)).resize((384, 384), Image.BICUBIC)) for t in range(16)])
    cells = (video.astype(np.float32) / 127.5 - 1).reshape(8, 2, 24, 16, 24, 16, 3).transpose(0, 2, 4, 1, 3, 5, 6).reshape(4608, 2, 16, 16, 3)
    out[clip * 4608:(clip + 1) * 4608] = dctn(cells, axes=(1, 2, 3), norm='ortho').reshape(4608, 1536).astype(np.float32) @ q.astype(np.float32)
out.flush()
print(out.shape)

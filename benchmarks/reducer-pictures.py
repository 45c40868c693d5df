"""Draws our reductions of a clip beside those of scikit-learn and umap-learn: `python reducer-pictures.py TOKENS.npy OURS_PCA.npy OURS_UMAP.npy FRAMES OUT.png`.

Tokens come from umap-tokens.py (4,608 a clip: 8 x 24 x 24). Percentiles 1 to 99 of each component become 0 and 1 of red, green and blue. UMAP's axes are arbitrary, so ours
are turned onto theirs first (orthogonal Procrustes; a rotation and mirroring, no stretching).
"""
import glob, os, sys
import numpy as np
from PIL import Image, ImageDraw
from sklearn.decomposition import PCA
import umap

tokens_file, pca_file, umap_file, frames, out = sys.argv[1:6]
tokens = np.load(tokens_file)
ours_pca, ours_umap = np.load(pca_file), np.load(umap_file)
theirs_pca = PCA(3, svd_solver='covariance_eigh').fit_transform(tokens.astype(np.float64))
theirs_umap = umap.UMAP(n_components=3, metric='cosine', random_state=42).fit_transform(tokens)
a, b = ours_umap - ours_umap.mean(0), theirs_umap - theirs_umap.mean(0)
u, _, v = np.linalg.svd(a.T @ b)
ours_umap = a @ (u @ v)


def picture(y, clip, time):
    low, high = np.percentile(y, [1, 99], axis=0)
    rgb = np.clip((y - low) / (high - low), 0, 1).reshape(-1, 8, 24, 24, 3)[clip, time]
    return Image.fromarray((rgb * 255).astype(np.uint8)).resize((192, 192), Image.NEAREST)


def frame(clip, time):  # as umap-tokens.py cuts them
    names = sorted(glob.glob(os.path.join(frames, '*.tif')))
    side = 232 + 16 * (clip * 5 % 9)
    left, top = ((clip * 37) % 9) * (360 - side) // 8, ((clip * 61) % 9) * (360 - side) // 8
    return Image.open(names[(clip * 3 + 2 * time) % len(names)]).convert('RGB').crop((left, top, left + side, top + side)).resize((192, 192), Image.BICUBIC)


places = [(0, 0), (0, 7), (1, 4)]
columns = [('frame', None), ('PCA, ours', ours_pca), ('PCA, scikit-learn', theirs_pca), ('UMAP, ours', ours_umap), ('UMAP, umap-learn', theirs_umap)]
sheet = Image.new('RGB', (len(columns) * 200 + 8, len(places) * 200 + 24), 'white')
draw = ImageDraw.Draw(sheet)
for i, (title, y) in enumerate(columns):
    draw.text((8 + 200 * i, 6), title, fill='black')
    for j, (clip, time) in enumerate(places):
        sheet.paste(frame(clip, time) if y is None else picture(y, clip, time), (8 + 200 * i, 24 + 200 * j))
sheet.save(out, optimize=True)
print('largest difference of the PCA projections, as a share of their range:', float((np.abs(ours_pca - theirs_pca) / np.ptp(theirs_pca, axis=0)).max()))

"""Times umap-learn on a token set: `python umap-peer.py TOKENS.npy [--runs 1] [--warm 5000] [--save Y.npy]` prints one JSON line a run, the warm-up's first.

With --serve it warms up, then fits once for every line on its standard input: how umap.mjs interleaves it with our engine.
"""
import argparse, json, resource, sys, time, warnings
warnings.filterwarnings('ignore')
ap = argparse.ArgumentParser()
ap.add_argument('tokens'); ap.add_argument('--runs', type=int, default=1); ap.add_argument('--warm', type=int, default=5000)
ap.add_argument('--save'); ap.add_argument('--serve', action='store_true')
opt = ap.parse_args()
begun = time.perf_counter()
import numpy as np, umap
X = np.load(opt.tokens)


def fit(rows):
    t = time.perf_counter(); c = time.process_time()
    y = umap.UMAP(n_components=3, n_neighbors=15, min_dist=0.1, metric='cosine', random_state=42).fit_transform(rows)
    return y, {'rows': len(rows), 'seconds': time.perf_counter() - t, 'cpu': time.process_time() - c, 'rss_mb': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def say(**facts): print(json.dumps(facts), flush=True)


if opt.warm:
    _, facts = fit(X[:opt.warm])
    say(what='warm-up', since_start=time.perf_counter() - begun, **facts)
turns = sys.stdin if opt.serve else range(opt.runs)
for _ in turns:
    y, facts = fit(X)
    say(what='fit', **facts)
    if opt.save: np.save(opt.save, y)

"""scikit-learn's PCA, one fit_transform per line read: `python pca-peer.py TOKENS.npy`. The line names the solver; a line of JSON replies: seconds, CPU seconds.

With `--exact FILE` it first writes the components of a float64 fit (covariance_eigh) to FILE.
"""
import argparse, json, sys, time
import numpy as np
from sklearn.decomposition import PCA

ap = argparse.ArgumentParser()
ap.add_argument('tokens'); ap.add_argument('--components', type=int, default=3); ap.add_argument('--exact')
opt = ap.parse_args()
tokens = np.load(opt.tokens)
if opt.exact:
    exact = PCA(opt.components, svd_solver='covariance_eigh').fit(tokens.astype(np.float64))
    np.save(opt.exact, np.ascontiguousarray(exact.components_))
print(json.dumps({'ready': True}), flush=True)
for line in sys.stdin:
    cpu, begun = time.process_time(), time.perf_counter()
    PCA(opt.components, svd_solver=line.strip(), random_state=0).fit_transform(tokens)
    print(json.dumps({'solver': line.strip(), 'seconds': time.perf_counter() - begun, 'cpu': time.process_time() - cpu}), flush=True)

"""How well a fit of a sample with the others placed keeps neighbours, among all tokens: python umap-sample.py TOKENS.npy Y.npy [Y2.npy …]

Y.npy are results of `deepearth reduce TOKENS.npy --with umap --set sampleTokens=…`. For 600 tokens: their 15 nearest in Y, ranked among all tokens by cosine (trustworthiness), and the share of
them that are among the true 15 nearest. (A comparison of some thousand tokens among themselves does not see this: their neighbours there are far apart.)
"""
import sys
import numpy as np

X = np.load(sys.argv[1]); n, k = len(X), 15
X /= np.linalg.norm(X, axis=1, keepdims=True)
picked = np.arange(7, n, n // 600)[:600]
similarity = X[picked] @ X.T
similarity[np.arange(len(picked)), picked] = 9
order = np.argsort(-similarity, axis=1)
rank = np.empty_like(order)
rank[np.arange(len(picked))[:, None], order] = np.arange(n)
for path in sys.argv[2:]:
    Y = np.load(path); penalty = kept = 0
    for row, token in enumerate(picked):
        distance = ((Y - Y[token]) ** 2).sum(1); distance[token] = -1
        near = np.argsort(distance)[1:k + 1]
        penalty += np.maximum(0, rank[row, near] - k).sum(); kept += (rank[row, near] <= k).sum()
    print(f'{path}: trust {1 - 2 * penalty / (len(picked) * k * (2 * n - 3 * k - 1)):.4f}, {kept / len(picked) / k:.3f} of the neighbours')

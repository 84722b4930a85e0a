"""Golden values of re-ranking and query expansion: tests/golden/rerank.gold, read by tests/unit/test_rerank.c. An independent reference in NumPy, with sets and sorts of its own.

    python3 tools/golden/golden_rerank.py tests/golden/rerank.gold
"""
import sys

import numpy as np

import golden_file
from golden_losses import Lcg

QUERIES, GALLERY, DIM, BEARS = 9, 26, 5, 6
SETTINGS = {"small": (6, 3, 0.3), "odd": (5, 1, 0.5), "default": (20, 6, 0.3)}


def embeddings():
    random = Lcg(31)
    centres = random.tensor(BEARS, DIM, scale=1.5).detach().numpy()
    noise = random.tensor(QUERIES + GALLERY, DIM, scale=1.0).detach().numpy()
    x = (centres[np.arange(QUERIES + GALLERY) % BEARS] + noise).astype(np.float32)
    length = np.sqrt((x.astype(np.float64) ** 2).sum(1, keepdims=True))
    return (x / length).astype(np.float32).astype(np.float64)


def rerank(x, k1, k2, lam):
    n = len(x)
    d = ((x[:, None] - x[None]) ** 2).sum(2)
    d = d / d.max(1, keepdims=True)
    first = np.argsort(d, axis=1, kind="stable")

    def reciprocal(i, k):
        return {int(j) for j in first[i][:k + 1] if i in first[j][:k + 1]}

    v = np.zeros((n, n))
    for i in range(n):
        core = reciprocal(i, k1)
        grown = set(core)
        for j in core:
            other = reciprocal(j, int(np.around(k1 / 2)))
            if len(other & core) > 2 / 3 * len(other):
                grown |= other
        members = sorted(grown)
        w = np.exp(-d[i, members])
        v[i, members] = w / w.sum()
    v = np.stack([v[first[i][:k2]].mean(0) for i in range(n)])
    shared = np.minimum(v[:QUERIES, None], v[None, QUERIES:]).sum(2)
    return (1 - lam) * (1 - shared / (2 - shared)) + lam * d[:QUERIES, QUERIES:]


def expand(x, k, alpha):
    q, g = x[:QUERIES], x[QUERIES:]
    cosine = q @ g.T
    out = q.copy()
    for i in range(QUERIES):
        for j in np.argsort(-cosine[i], kind="stable")[:k]:
            out[i] += max(cosine[i, j], 0) ** alpha * g[j]
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def main(path):
    x = embeddings()
    out = {"embeddings": x.astype(np.float32)}
    for name, (k1, k2, lam) in SETTINGS.items():
        out["rerank/" + name] = rerank(x, k1, k2, lam)
    out["expand"] = expand(x, 4, 3.0)
    golden_file.write(path, out)


if __name__ == "__main__":
    main(sys.argv[1])

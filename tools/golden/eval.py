"""Golden values of the measurements and of calibration and grouping: scikit-learn, SciPy, pycocotools, and plain NumPy where they have nothing.

    python3 -m venv venv && venv/bin/pip install numpy scipy scikit-learn pycocotools
    venv/bin/python tools/golden/eval.py tests/golden/eval.gold
"""
import contextlib
import io
import sys

import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.interpolate import PchipInterpolator
from scipy.spatial.distance import squareform
from sklearn import metrics
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from golden_file import write

rng = np.random.default_rng(20240611)
out = {}


def f64(x):
    return np.asarray(x, dtype=np.float64)


def i64(x):
    return np.asarray(x, dtype=np.int64)


# ---- scores with ties, as float32 ----
n = 240
positive = (rng.random(n) < 0.3).astype(np.int64)
score = np.round(np.clip(rng.normal(0.35 + 0.25 * positive, 0.18), -1, 1), 2).astype(np.float32)
out["curve/score"], out["curve/positive"] = score, positive
out["curve/auroc"] = f64(metrics.roc_auc_score(positive, score))
out["curve/ap"] = f64(metrics.average_precision_score(positive, score))
fpr, tpr, cut = metrics.roc_curve(positive, score, drop_intermediate=False)
out["curve/fpr"], out["curve/tpr"] = f64(fpr), f64(tpr)
out["curve/fpr95"] = f64(fpr[np.argmax(tpr >= 0.95)])
out["curve/tpr1"], out["curve/tpr10"] = f64(tpr[fpr <= 0.01].max()), f64(tpr[fpr <= 0.1].max())
out["curve/balanced_at_half"] = f64(metrics.balanced_accuracy_score(positive, score >= 0.5))
out["curve/best_balanced"] = f64(max((t + 1 - f) / 2 for t, f in zip(tpr, fpr)))
keep = np.argmax(tpr >= 0.9)
out["curve/threshold_recall90"] = f64(cut[keep])
out["curve/precision_recall90"] = f64(metrics.precision_score(positive, score >= cut[keep]))

# ---- confusion: class 3 never occurs, class 4 is never answered ----
truth = rng.choice([0, 1, 2, 4], size=300, p=[0.5, 0.3, 0.15, 0.05])
answer = np.where(rng.random(300) < 0.75, truth, rng.choice([0, 1, 2, 3], size=300))
answer[answer == 4] = 0
labels = list(range(5))
p, r, f, _ = metrics.precision_recall_fscore_support(truth, answer, labels=labels, zero_division=0)
out["confusion/truth"], out["confusion/answer"] = i64(truth), i64(answer)
out["confusion/matrix"] = i64(metrics.confusion_matrix(truth, answer, labels=labels))
out["confusion/precision"], out["confusion/recall"], out["confusion/f1"] = f64(p), f64(r), f64(f)
out["confusion/accuracy"] = f64(metrics.accuracy_score(truth, answer))
out["confusion/balanced"] = f64(np.mean([r[k] for k in (0, 1, 2, 4)]))
out["confusion/macro_f1"] = f64(np.mean([f[k] for k in (0, 1, 2, 4)]))

# ---- calibration ----
m = 400
same = (rng.random(m) < 0.25).astype(np.int64)
cosine = np.clip(rng.normal(0.2 + 0.35 * same, 0.22), -1, 1).astype(np.float32)
cosine[::7] = np.round(cosine[::7], 1)  # ties
at = np.linspace(-1, 1, 81)
iso = IsotonicRegression(out_of_bounds="clip").fit(cosine.astype(np.float64), same)
fitted = iso.predict(cosine.astype(np.float64))
blocks = []  # mid-point of the lowest and highest score of each level
for level in np.unique(fitted):
    inside = cosine[fitted == level].astype(np.float64)
    blocks.append(((inside.min() + inside.max()) / 2, level))
x, y = np.array(blocks).T
curve = PchipInterpolator(x, y)
out["calibration/cosine"], out["calibration/same"], out["calibration/at"] = cosine, same, at
out["calibration/knots_x"], out["calibration/knots_y"] = x, y
out["calibration/isotonic"] = f64(curve(np.clip(at, x[0], x[-1])))
positives, negatives = same.sum(), m - same.sum()
target = np.where(same == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
platt = LogisticRegression(C=1e12, tol=1e-12, max_iter=10000).fit(
    np.concatenate([cosine, cosine]).astype(np.float64)[:, None], np.r_[np.ones(m), np.zeros(m)], sample_weight=np.r_[target, 1 - target])
out["calibration/logistic"] = f64([platt.coef_[0, 0], platt.intercept_[0]])

# ---- reliability ----
prob = rng.random(500) ** 1.5
prob[:3] = [0.0, 1.0, 0.5]
hit = (rng.random(500) < prob ** 1.3).astype(np.int64)
bins = np.minimum((prob * 10).astype(int), 9)
gaps = [(np.sum(bins == b), abs(hit[bins == b].mean() - prob[bins == b].mean())) for b in range(10) if np.any(bins == b)]
out["reliability/p"], out["reliability/truth"] = prob, hit
out["reliability/ece"] = f64(sum(c * g for c, g in gaps) / 500)
out["reliability/mce"] = f64(max(g for _, g in gaps))
out["reliability/brier"] = f64(metrics.brier_score_loss(hit, prob))

# ---- risk and coverage: answers in falling order of confidence, equal ones together (Geifman and El-Yaniv 2017) ----
confidence = np.round(prob, 2)
levels = np.unique(confidence)[::-1]
covered = np.array([np.mean(confidence >= c) for c in levels])
risk = np.array([np.mean(hit[confidence >= c] == 0) for c in levels])
out["risk/confidence"], out["risk/coverage"], out["risk/risk"] = confidence, f64(covered), f64(risk)
out["risk/area"] = f64(np.mean([np.mean(hit[confidence >= c] == 0) for c in confidence]))
allowed = np.flatnonzero(risk <= 0.3)
out["risk/coverage30"] = f64(covered[allowed[-1]])

# ---- grouping: average linkage on 1 - cosine, cut at several heights ----
centre = rng.normal(size=(6, 16))
member = rng.integers(0, 6, 40)
e = (centre[member] + rng.normal(scale=0.7, size=(40, 16))).astype(np.float32)
e /= np.linalg.norm(e, axis=1, keepdims=True)
distance = 1 - e.astype(np.float64) @ e.astype(np.float64).T
np.fill_diagonal(distance, 0)
tree = linkage(squareform(distance, checks=False), "average")
cuts = [0.9, 0.7, 0.5, 0.3]  # least mean cosine
groups = []
for c in cuts:
    flat = fcluster(tree, 1 - c, "distance")
    first = {}
    groups.append([first.setdefault(g, len(first)) for g in flat])
out["cluster/embedding"], out["cluster/cosine"], out["cluster/label"] = e, f64(cuts), i64(groups)

# ---- retrieval: leave-one-out with days, written out plainly ----
identity = np.sort(rng.integers(0, 12, 60))
identity[-1] = 99  # a lone one
day = identity * 10 + rng.integers(0, 3, 60)
day[rng.random(60) < 0.2] = -1
home = rng.normal(size=(100, 12))
v = (home[identity] + rng.normal(scale=1.5, size=(60, 12))).astype(np.float32)
v /= np.linalg.norm(v, axis=1, keepdims=True)
sim = v.astype(np.float64) @ v.astype(np.float64).T
rows = []
for q in range(60):
    allowed = [j for j in range(60) if j != q and not (day[q] >= 0 and day[q] == day[j])]
    order = sorted(allowed, key=lambda j: -sim[q, j])
    right = [identity[j] == identity[q] for j in order]
    bears = list(dict.fromkeys(int(identity[j]) for j in order))
    if any(right):
        chip_rank = right.index(True) + 1
        bear_rank = bears.index(int(identity[q])) + 1
        ranks = np.flatnonzero(right) + 1
        ap = np.mean(np.arange(1, len(ranks) + 1) / ranks)
    else:
        chip_rank, bear_rank, ap = 0, 0, np.nan
    rows.append((chip_rank, bear_rank, ap, identity[order[0]]))
rows = np.array(rows, dtype=np.float64)
known = rows[:, 0] > 0
out["retrieval/embedding"], out["retrieval/identity"], out["retrieval/day"] = v, i64(identity), i64(day)
out["retrieval/chip_rank"], out["retrieval/bear_rank"], out["retrieval/best"] = i64(rows[:, 0]), i64(rows[:, 1]), i64(rows[:, 3])
out["retrieval/ap"] = np.where(known, rows[:, 2], -1)
out["retrieval/hit_chips"] = f64([np.mean(rows[known, 0] <= k) for k in (1, 3, 5, 10)])
out["retrieval/hit_bears"] = f64([np.mean(rows[known, 1] <= k) for k in (1, 3, 5, 10)])
out["retrieval/macro"] = f64([np.mean([np.mean(rows[known & (identity == i), 1] <= k) for i in np.unique(identity[known])]) for k in (1, 3, 5, 10)])
out["retrieval/map"], out["retrieval/mrr"] = f64(np.mean(rows[known, 2])), f64(np.mean(1 / rows[known, 0]))

# ---- new bears: BAKS and BAUS ----
who = rng.integers(0, 8, 80)
is_known = (who < 5).astype(np.int64)
best = np.where((rng.random(80) < 0.7) & (is_known == 1), who, (who + 1) % 5)
s = rng.normal(0.4 + 0.2 * is_known, 0.15).astype(np.float32)
named = s >= 0.5
out["openset/identity"], out["openset/known"], out["openset/best"], out["openset/score"] = i64(who), is_known, i64(best), s
out["openset/baks"] = f64(np.mean([np.mean((named & (best == who))[who == k]) for k in range(5)]))
out["openset/baus"] = f64(np.mean([np.mean(~named[who == k]) for k in range(5, 8)]))
open_fpr, open_tpr, _ = metrics.roc_curve(is_known, s, drop_intermediate=False)
out["openset/detected1"], out["openset/detected10"] = f64(open_tpr[open_fpr <= 0.01].max()), f64(open_tpr[open_fpr <= 0.1].max())

# ---- detection: 14 images of 48x40, boxes with a corner cut off as masks: pixel in when (x - x1) + (y - y1) >= cut ----
W, H = 48, 40


def mask_of(box, cut):
    x1, y1, x2, y2 = box
    yy, xx = np.mgrid[0:H, 0:W]
    return ((xx >= x1) & (xx < x2) & (yy >= y1) & (yy < y2) & (xx - x1 + yy - y1 >= cut)).astype(np.uint8)


def random_box():
    w, h = rng.integers(6, 22, 2)
    x1, y1 = rng.integers(0, W - w), rng.integers(0, H - h)
    return [int(x1), int(y1), int(x1 + w), int(y1 + h)]


truths, guesses = [], []  # image, label, x1, y1, x2, y2, cut(, score)
for image in range(14):
    for _ in range(rng.integers(0, 4)):
        box, label, cut = random_box(), int(rng.integers(0, 2)), int(rng.integers(0, 8))
        truths.append([image, label, *box, cut])
        for _ in range(rng.integers(0, 4)):
            jitter = rng.integers(-3, 4, 4)
            b = np.clip(np.array(box) + jitter, 0, [W, H, W, H])
            if b[2] - b[0] > 2 and b[3] - b[1] > 2:
                guesses.append([image, label if rng.random() < 0.9 else 1 - label, *b.tolist(), int(rng.integers(0, 8)), int(rng.integers(1, 1000))])
    for _ in range(rng.integers(0, 3)):
        guesses.append([image, int(rng.integers(0, 2)), *random_box(), int(rng.integers(0, 8)), int(rng.integers(1, 600))])
out["detection/truth"], out["detection/guess"] = i64(truths), i64(guesses)


def coco_eval(kind):
    gt = COCO()
    gt.dataset = {"info": {}, "images": [{"id": i + 1, "width": W, "height": H} for i in range(14)], "categories": [{"id": 1}, {"id": 2}], "annotations": []}
    results = []
    for k, t in enumerate(truths):
        rle = coco_mask.encode(np.asfortranarray(mask_of(t[2:6], t[6])))
        gt.dataset["annotations"].append({"id": k + 1, "image_id": t[0] + 1, "category_id": t[1] + 1, "bbox": [t[2], t[3], t[4] - t[2], t[5] - t[3]],
                                          "area": float((t[4] - t[2]) * (t[5] - t[3])), "iscrowd": 0, "segmentation": rle})
    for g in guesses:
        item = {"image_id": g[0] + 1, "category_id": g[1] + 1, "score": g[7] / 1000}
        if kind == "bbox":
            item["bbox"] = [g[2], g[3], g[4] - g[2], g[5] - g[3]]
        else:
            item["segmentation"] = coco_mask.encode(np.asfortranarray(mask_of(g[2:6], g[6])))
        results.append(item)
    with contextlib.redirect_stdout(io.StringIO()):
        gt.createIndex()
        e = COCOeval(gt, gt.loadRes(results), kind)
        e.evaluate()
        e.accumulate()
    precision = e.eval["precision"][:, :, :, 0, 2]  # thresholds, recalls, classes
    recall = e.eval["recall"][:, :, 0, 2]
    return precision.mean(axis=(1, 2)), recall.mean(axis=1), precision[0].mean(axis=1)


for kind in ("bbox", "segm"):
    ap, recall, curve50 = coco_eval(kind)
    out["detection/%s/ap" % kind], out["detection/%s/recall" % kind], out["detection/%s/curve50" % kind] = f64(ap), f64(recall), f64(curve50)
    print(kind, "mAP", ap.mean(), "AP50", ap[0])

write(sys.argv[1], out)

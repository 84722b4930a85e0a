"""Golden values of miners and metric losses: tests/golden/metric.gold, read by tests/unit/test_loss_metric.c.

Miners, triplet and circle loss, and ArcFace's weights come from pytorch-metric-learning (pip install pytorch-metric-learning); the contrastive loss from its definition
(dlib's loss_metric), by autograd. All in double; inputs come from the generator of golden_losses.py, which the test repeats.

    python3 tools/golden/golden_metric.py tests/golden/metric.gold
"""
import sys

import torch
from pytorch_metric_learning import distances, losses, miners
from pytorch_metric_learning.utils import loss_and_miner_utils

import golden_file
from golden_losses import Lcg

N, DIMS, CLASSES = 14, 6, 5
LABELS = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4])  # the last one is alone

MINERS = {
    "none": None,
    "batch_hard": miners.BatchEasyHardMiner(pos_strategy="hard", neg_strategy="hard"),
    "batch_semihard": miners.BatchEasyHardMiner(pos_strategy="semihard", neg_strategy="hard"),
    "triplets_all": miners.TripletMarginMiner(margin=0.3, type_of_triplets="all"),
    "triplets_hard": miners.TripletMarginMiner(margin=0.3, type_of_triplets="hard"),
    "triplets_semihard": miners.TripletMarginMiner(margin=0.3, type_of_triplets="semihard"),
    "multi_similarity": miners.MultiSimilarityMiner(epsilon=0.1),
}
LOSSES = {
    "triplet": losses.TripletMarginLoss(margin=0.2),
    "triplet_squared": losses.TripletMarginLoss(margin=0.2, distance=distances.LpDistance(power=2)),
    "circle": losses.CircleLoss(m=0.4, gamma=256),
    "circle_library": losses.CircleLoss(m=0.4, gamma=80),
}


def embeddings():
    """Classes lean to directions of their own, so that easy, semi-hard and hard triplets all occur."""
    random = Lcg(21)
    centres = random.tensor(CLASSES, DIMS, scale=1.5).detach()
    noise = random.tensor(N, DIMS, scale=2).detach()
    return (centres[LABELS] + noise).float().double().requires_grad_()


def pairs_of(mined):
    """[anchor][other]: 1 positive, 2 negative."""
    out = torch.zeros(N, N, dtype=torch.int64)
    a1, p, a2, n = mined if len(mined) == 4 else (mined[0], mined[1], mined[0], mined[2])
    out[a1, p] = 1
    out[a2, n] = 2
    return out


def contrastive(x, threshold, margin):
    i, j = torch.triu_indices(N, N, 1)
    d = (x[i] - x[j]).norm(dim=1)
    same = LABELS[i] == LABELS[j]
    positives, negatives = d[same], d[~same].sort().values[:int(same.sum())]
    return ((positives - (threshold - margin)).clamp(min=0).sum() + (threshold + margin - negatives).clamp(min=0).sum()) / (2 * same.sum())


def main(path):
    out = {}
    for miner_name, miner in MINERS.items():
        mined = miner(embeddings(), LABELS) if miner else None
        if miner:
            out[miner_name + "/pairs"] = pairs_of(mined)
            out[miner_name + "/weights"] = loss_and_miner_utils.convert_to_weights(mined, LABELS, dtype=torch.float64)
            print(miner_name, [len(m) for m in mined])
        if len(mined or []) == 3:
            order = sorted(zip(*[m.tolist() for m in mined]))
            out[miner_name + "/triplets"] = torch.tensor(order, dtype=torch.int64)
        for loss_name, loss in LOSSES.items():
            x = embeddings()
            value = loss(x, LABELS, mined)
            value.backward()
            out["%s/%s/value" % (miner_name, loss_name)], out["%s/%s/grad" % (miner_name, loss_name)] = value.reshape(1), x.grad
    for name, threshold, margin in (("dlib", 0.6, 0.04), ("wide", 3.0, 0.5)):
        x = embeddings()
        value = contrastive(x, threshold, margin)
        value.backward()
        out["contrastive/%s/value" % name], out["contrastive/%s/grad" % name] = value.reshape(1), x.grad
    golden_file.write(path, out)


if __name__ == "__main__":
    main(sys.argv[1])

"""Golden values of the losses: tests/golden/losses.gold, read by tests/unit/test_losses*.c.

Cross-entropy and BCE come from PyTorch, ArcFace from pytorch-metric-learning (pip install pytorch-metric-learning), the YOLOv8-seg loss from the plain
PyTorch reference below, with autograd, all in double. Inputs come from a linear congruential generator that the tests repeat, so that only results
are stored.

    python3 tools/golden/golden_losses.py tests/golden/losses.gold
"""
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F

import golden_file

torch.set_default_dtype(torch.float64)


class Lcg:
    """Numbers in [-1, 1) that are exact in float32; the tests have the same."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return ((self.state >> 40) - 2**23) / 2.0**23

    def tensor(self, *shape, scale=1.0):
        n = int(np.prod(shape))
        values = np.array([self.next() for _ in range(n)], dtype=np.float32) * np.float32(scale)
        return torch.tensor(values.reshape(shape).astype(np.float64), requires_grad=True)


def classification(out):
    for name, weights, smoothing in (("plain", None, 0.0), ("weighted", [1.0, 0.25, 3.0, 0.5], 0.0), ("smooth", None, 0.1),
                                     ("both", [1.0, 0.25, 3.0, 0.5], 0.2)):
        x = Lcg(1).tensor(6, 4, scale=8)
        y = torch.tensor([0, 3, 1, 2, 2, 0])
        loss = F.cross_entropy(x, y, weight=None if weights is None else torch.tensor(weights), label_smoothing=smoothing)
        loss.backward()
        out["ce/%s/value" % name], out["ce/%s/grad" % name] = loss, x.grad
    x, t = Lcg(2).tensor(40, scale=20), (Lcg(3).tensor(40).detach() + 1) / 2
    loss = F.binary_cross_entropy_with_logits(x, t, pos_weight=torch.tensor(2.5))
    loss.backward()
    out["bce/value"], out["bce/grad"] = loss, x.grad


def arcface(out):
    from pytorch_metric_learning.losses import ArcFaceLoss, SubCenterArcFaceLoss

    for name, centres, margin, scale in (("plain", 1, 0.5, 64), ("library", 1, math.radians(28.6), 64), ("wide", 1, 1.2, 30), ("sub", 3, 0.5, 16)):
        classes, dims, n = 7, 19, 9
        random = Lcg(4)
        e = random.tensor(n, dims, scale=3)
        w = random.tensor(classes * centres, dims)
        y = torch.tensor([i * 5 % classes for i in range(n)])
        if centres == 1:
            loss_of = ArcFaceLoss(classes, dims, margin=math.degrees(margin), scale=scale)
        else:
            loss_of = SubCenterArcFaceLoss(num_classes=classes, embedding_size=dims, margin=math.degrees(margin), scale=scale, sub_centers=centres)
        loss_of.W = torch.nn.Parameter(w.detach().t().clone())
        loss = loss_of(e, y)
        loss.backward()
        out["arcface/%s/value" % name], out["arcface/%s/d_e" % name], out["arcface/%s/d_w" % name] = loss, e.grad, loss_of.W.grad.t().contiguous()


# ---- YOLOv8-seg -----------------------------------------------------------------------------------------------------------------------------

STRIDES, SIZE, BINS, COEFFICIENTS, CLASSES, TOP_K = (8, 16, 32), 64, 16, 4, 3, 10
PROTO = SIZE // 4
EPS = 1e-7
# One image with two overlapping targets and a third of another class, one without any, one with a target at the border.
BOXES = [[[6.0, 4.0, 52.0, 47.0], [20.5, 14.0, 44.0, 60.0], [30.0, 30.0, 63.0, 62.0]], [], [[0.0, 0.0, 33.0, 21.0]]]
LABELS = [[0, 0, 2], [], [1]]


def yolo_maps():
    """Raw outputs as float32 values. Box logits lean towards distances of one to two cells, so that boxes of every level overlap targets."""
    random, maps = Lcg(7), {"box": [], "cls": [], "coef": []}
    for level, stride in enumerate(STRIDES):
        k = SIZE // stride
        lean = torch.tensor([-0.5 * (level + 1) * abs(i - (2 - 0.5 * level)) for i in range(BINS)]).repeat(4).view(1, 4 * BINS, 1, 1)
        noise = random.tensor(3, 4 * BINS, k, k, scale=2).detach()
        box = (noise + lean).float().double().requires_grad_()
        maps["box"].append(box)
        maps["cls"].append(random.tensor(3, CLASSES, k, k, scale=3))
        maps["coef"].append(random.tensor(3, COEFFICIENTS, k, k, scale=2))
    maps["proto"] = random.tensor(3, COEFFICIENTS, PROTO, PROTO, scale=2)
    return maps


def index_map(boxes):
    """Ellipses in the boxes at proto scale; later ones on top."""
    out = torch.zeros(PROTO, PROTO, dtype=torch.int64)
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        for v in range(PROTO):
            for u in range(PROTO):
                px, py = 4 * u + 2, 4 * v + 2
                if ((2 * px - x1 - x2) / (x2 - x1)) ** 2 + ((2 * py - y1 - y2) / (y2 - y1)) ** 2 <= 1:
                    out[v, u] = i + 1
    return out


def ciou(a, b):
    ax1, ay1, ax2, ay2 = a.unbind(-1)
    bx1, by1, bx2, by2 = b.unbind(-1)
    w1, h1, w2, h2 = ax2 - ax1, ay2 - ay1 + EPS, bx2 - bx1, by2 - by1 + EPS
    inter = (torch.minimum(ax2, bx2) - torch.maximum(ax1, bx1)).clamp(0) * (torch.minimum(ay2, by2) - torch.maximum(ay1, by1)).clamp(0)
    iou = inter / (w1 * h1 + w2 * h2 - inter + EPS)
    c2 = (torch.maximum(ax2, bx2) - torch.minimum(ax1, bx1)) ** 2 + (torch.maximum(ay2, by2) - torch.minimum(ay1, by1)) ** 2 + EPS
    rho2 = ((bx1 + bx2 - ax1 - ax2) ** 2 + (by1 + by2 - ay1 - ay2) ** 2) / 4
    v = 4 / math.pi**2 * (torch.atan(w2 / h2) - torch.atan(w1 / h1)) ** 2
    with torch.no_grad():
        alpha = v / (v - iou + 1 + EPS)
    return iou - rho2 / c2 - alpha * v


def assign(scores, boxes, centres, truth, labels):
    """Indices of targets (-1: none) and target scores of all anchors; everything in pixels."""
    n = len(truth)
    target, weight = torch.full((len(centres),), -1), torch.zeros(len(centres))
    if n == 0:
        return target, weight
    truth = torch.tensor(truth)
    sides = torch.cat([centres[None] - truth[:, None, :2], truth[:, None, 2:] - centres[None]], -1)
    inside = sides.amin(-1) > 1e-9
    overlap = torch.where(inside, ciou(truth[:, None].expand(-1, len(centres), -1), boxes[None].expand(n, -1, -1)).clamp(0), torch.zeros(()))
    align = scores[:, labels].t() ** 0.5 * overlap**6 * inside
    claims = torch.zeros_like(inside)
    for i in range(n):
        claims[i, align[i].topk(TOP_K).indices] = True
    claims &= inside
    several = claims.sum(0) > 1
    claims[:, several] = F.one_hot(overlap.argmax(0), n).t().bool()[:, several]
    align, overlap = align * claims, overlap * claims
    normal = align * overlap.amax(1, keepdim=True) / (align.amax(1, keepdim=True) + 1e-9)
    has = claims.any(0)
    target[has] = claims.int().argmax(0)[has]
    return target, normal.amax(0)


def yolo(out):
    maps = yolo_maps()
    flat = lambda name, channels: torch.cat([m.flatten(2) for m in maps[name]], 2).transpose(1, 2)
    box, cls, coef = flat("box", 4 * BINS), flat("cls", CLASSES), flat("coef", COEFFICIENTS)
    centres = torch.cat([torch.stack(torch.meshgrid(torch.arange(SIZE // s) + 0.5, torch.arange(SIZE // s) + 0.5, indexing="xy"), -1).reshape(-1, 2)
                         for s in STRIDES])
    strides = torch.cat([torch.full(((SIZE // s) ** 2, 1), float(s)) for s in STRIDES])
    distances = box.view(3, -1, 4, BINS).softmax(-1) @ torch.arange(float(BINS))
    decoded = torch.cat([centres - distances[..., :2], centres + distances[..., 2:]], -1)
    target, weight = zip(*[assign(cls[i].sigmoid().detach(), (decoded[i] * strides).detach(), centres * strides, BOXES[i], LABELS[i]) for i in range(3)])
    out["yolo/target"], out["yolo/weight"] = torch.stack(target), torch.stack(weight)
    foreground = out["yolo/target"] >= 0
    tss = max(float(sum(w.sum() for w in weight)), 1.0)

    wanted = torch.zeros_like(cls)
    box_sum, dfl_sum, mask_sum = torch.zeros(()), torch.zeros(()), torch.zeros(())
    for i in range(3):
        fg, masks = foreground[i].nonzero().flatten(), index_map(BOXES[i])
        if len(fg) == 0:
            continue
        truth, labels = torch.tensor(BOXES[i])[target[i][fg]], torch.tensor(LABELS[i])[target[i][fg]]
        w = weight[i][fg]
        wanted[i, fg, labels] = w
        units = truth / strides[fg]
        box_sum = box_sum + ((1 - ciou(decoded[i][fg], units)) * w).sum()
        sides = torch.cat([centres[fg] - units[:, :2], units[:, 2:] - centres[fg]], -1).clamp(0, BINS - 1 - 0.01)
        low = sides.long()
        logs = F.log_softmax(box.view(3, -1, 4, BINS)[i][fg], -1)
        pick = lambda index: -logs.gather(-1, index[..., None])[..., 0]
        dfl_sum = dfl_sum + ((pick(low) * (low + 1 - sides) + pick(low + 1) * (sides - low)).mean(-1) * w).sum()
        logits = torch.einsum("nk,khw->nhw", coef[i][fg], maps["proto"][i])
        bce = F.binary_cross_entropy_with_logits(logits, (masks[None] == (target[i][fg] + 1)[:, None, None]).double(), reduction="none")
        crop, grid = truth * PROTO / SIZE, torch.arange(float(PROTO))
        columns = (grid >= crop[:, 0:1]) & (grid < crop[:, 2:3])
        rows = (grid >= crop[:, 1:2]) & (grid < crop[:, 3:4])
        area = ((truth[:, 2] - truth[:, 0]) * (truth[:, 3] - truth[:, 1])) / SIZE**2
        mask_sum = mask_sum + ((bce * rows[:, :, None] * columns[:, None, :]).mean((1, 2)) / area).sum()
    parts = [box_sum / tss, F.binary_cross_entropy_with_logits(cls, wanted, reduction="sum") / tss, dfl_sum / tss, mask_sum / foreground.sum()]
    total = (7.5 * parts[0] + 0.5 * parts[1] + 1.5 * parts[2] + 7.5 * parts[3]) * 3
    total.backward()
    out["yolo/parts"] = torch.stack(parts + [total])
    for name in ("box", "cls", "coef"):
        for level, m in enumerate(maps[name]):
            store_sparse(out, "yolo/d_%s%d" % (name, level), m.grad, every=1 if name != "cls" else 3)
    store_sparse(out, "yolo/d_proto", maps["proto"].grad, every=5)


def store_sparse(out, name, gradient, every):
    """Indices and values of every `every`-th element that is not zero, and how many there are of those."""
    flat = gradient.flatten()
    index = flat.nonzero().flatten()
    out[name + "/count"] = torch.tensor([len(index)])
    out[name + "/index"], out[name + "/value"] = index[::every].contiguous(), flat[index[::every]].float()


def main():
    out = {}
    classification(out)
    arcface(out)
    yolo(out)
    golden_file.write(sys.argv[1], out)


if __name__ == "__main__":
    main()

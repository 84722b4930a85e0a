"""YOLOv8n-seg in plain PyTorch: network, task-aligned assigner and losses, written from the layer table and the formulas of the published method.

An independent reference for tests/golden/test_golden_yolo.c: nothing here is fast, and nothing is shared with the C code. Module names give Ultralytics'
parameter names (model.2.m.0.cv1.conv.weight ...)."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

BINS = 16
MASKS = 32


class Conv(nn.Module):
    """Convolution without bias, batch norm, SiLU."""

    def __init__(self, cin, cout, k=1, s=1):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, k, s, k // 2, bias=False)
        self.bn = nn.BatchNorm2d(cout, eps=1e-3, momentum=0.03)

    def forward(self, x):
        return F.silu(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    def __init__(self, c, shortcut):
        super().__init__()
        self.cv1 = Conv(c, c, 3)
        self.cv2 = Conv(c, c, 3)
        self.shortcut = shortcut

    def forward(self, x):
        y = self.cv2(self.cv1(x))
        return x + y if self.shortcut else y


class C2f(nn.Module):
    def __init__(self, cin, cout, n, shortcut):
        super().__init__()
        c = cout // 2
        self.cv1 = Conv(cin, 2 * c)
        self.cv2 = Conv((2 + n) * c, cout)
        self.m = nn.ModuleList(Bottleneck(c, shortcut) for _ in range(n))

    def forward(self, x):
        parts = list(self.cv1(x).chunk(2, 1))
        for b in self.m:
            parts.append(b(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class SPPF(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.cv1 = Conv(c, c // 2)
        self.cv2 = Conv(2 * c, c)

    def forward(self, x):
        parts = [self.cv1(x)]
        for _ in range(3):
            parts.append(F.max_pool2d(parts[-1], 5, 1, 2))
        return self.cv2(torch.cat(parts, 1))


class Proto(nn.Module):
    def __init__(self, cin, c):
        super().__init__()
        self.cv1 = Conv(cin, c, 3)
        self.upsample = nn.ConvTranspose2d(c, c, 2, 2)
        self.cv2 = Conv(c, c, 3)
        self.cv3 = Conv(c, MASKS)

    def forward(self, x):
        return self.cv3(self.cv2(self.upsample(self.cv1(x))))


class Heads(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        box, cls, coef = max(16, channels[0] // 4, 4 * BINS), max(channels[0], min(classes, 100)), max(channels[0] // 4, MASKS)

        def branch(cin, c, out):
            return nn.Sequential(Conv(cin, c, 3), Conv(c, c, 3), nn.Conv2d(c, out, 1))

        self.cv2 = nn.ModuleList(branch(c, box, 4 * BINS) for c in channels)
        self.cv3 = nn.ModuleList(branch(c, cls, classes) for c in channels)
        self.cv4 = nn.ModuleList(branch(c, coef, MASKS) for c in channels)
        self.proto = Proto(channels[0], 64)

    def forward(self, levels):
        return ([b(x) for b, x in zip(self.cv2, levels)], [b(x) for b, x in zip(self.cv3, levels)],
                [b(x) for b, x in zip(self.cv4, levels)], self.proto(levels[0]))


class YoloSeg(nn.Module):
    def __init__(self, classes):
        super().__init__()
        none = nn.Identity
        self.model = nn.ModuleList([
            Conv(3, 16, 3, 2), Conv(16, 32, 3, 2), C2f(32, 32, 1, True), Conv(32, 64, 3, 2), C2f(64, 64, 2, True),          # 0..4
            Conv(64, 128, 3, 2), C2f(128, 128, 2, True), Conv(128, 256, 3, 2), C2f(256, 256, 1, True), SPPF(256),           # 5..9
            none(), none(), C2f(384, 128, 1, False), none(), none(), C2f(192, 64, 1, False),                               # 10..15
            Conv(64, 64, 3, 2), none(), C2f(192, 128, 1, False), Conv(128, 128, 3, 2), none(), C2f(384, 256, 1, False),    # 16..21
            Heads((64, 128, 256), classes)])

    def forward(self, x):
        m = self.model
        for i in range(4):
            x = m[i](x)
        p3 = m[4](x)
        p4 = m[6](m[5](p3))
        p5 = m[9](m[8](m[7](p4)))
        up = lambda t: F.interpolate(t, scale_factor=2, mode="nearest")
        n4 = m[12](torch.cat([up(p5), p4], 1))
        o3 = m[15](torch.cat([up(n4), p3], 1))
        o4 = m[18](torch.cat([m[16](o3), n4], 1))
        o5 = m[21](torch.cat([m[19](o4), p5], 1))
        return m[22]([o3, o4, o5])


def ciou(a, b, eps=1e-7):
    """a: predicted, b: true, [..., 4] corners. The weight of the aspect term is a constant for the gradient."""
    wa, ha = a[..., 2] - a[..., 0], a[..., 3] - a[..., 1] + eps
    wb, hb = b[..., 2] - b[..., 0], b[..., 3] - b[..., 1] + eps
    iw = (torch.minimum(a[..., 2], b[..., 2]) - torch.maximum(a[..., 0], b[..., 0])).clamp(min=0)
    ih = (torch.minimum(a[..., 3], b[..., 3]) - torch.maximum(a[..., 1], b[..., 1])).clamp(min=0)
    inter = iw * ih
    iou = inter / (wa * ha + wb * hb - inter + eps)
    cw = torch.maximum(a[..., 2], b[..., 2]) - torch.minimum(a[..., 0], b[..., 0])
    ch = torch.maximum(a[..., 3], b[..., 3]) - torch.minimum(a[..., 1], b[..., 1])
    dx = (b[..., 0] + b[..., 2] - a[..., 0] - a[..., 2]) / 2
    dy = (b[..., 1] + b[..., 3] - a[..., 1] - a[..., 3]) / 2
    v = 4 / math.pi ** 2 * (torch.atan(wb / hb) - torch.atan(wa / ha)) ** 2
    alpha = (v / (v - iou + 1 + eps)).detach()
    return iou - ((dx * dx + dy * dy) / (cw * cw + ch * ch + eps) + alpha * v)


def flatten(maps):
    """Levels one after the other, row by row: list of [N,C,h,w] -> [N,A,C]."""
    return torch.cat([m.flatten(2).transpose(1, 2) for m in maps], 1)


def anchors(maps, strides):
    points, steps = [], []
    for m, s in zip(maps, strides):
        y, x = torch.meshgrid(torch.arange(m.shape[2]), torch.arange(m.shape[3]), indexing="ij")
        points.append(torch.stack([x.reshape(-1) + 0.5, y.reshape(-1) + 0.5], 1).double())
        steps.append(torch.full((points[-1].shape[0],), float(s)).double())
    return torch.cat(points), torch.cat(steps)


@torch.no_grad()
def assign(scores, boxes, centres, true_boxes, true_classes, top_k=10, alpha=0.5, beta=6.0):
    """One image. scores [A,nc] after the sigmoid, boxes [A,4] and centres [A,2] in pixels. Returns target index (-1: none) and target score per anchor."""
    n_anchors, n_true = scores.shape[0], true_boxes.shape[0]
    index = torch.full((n_anchors,), -1, dtype=torch.long)
    score = torch.zeros(n_anchors, dtype=torch.float64)
    if n_true == 0:
        return index, score
    inside = torch.zeros(n_true, n_anchors, dtype=torch.bool)
    overlap = torch.zeros(n_true, n_anchors, dtype=torch.float64)
    align = torch.zeros(n_true, n_anchors, dtype=torch.float64)
    for g in range(n_true):
        box = true_boxes[g]
        sides = torch.stack([centres[:, 0] - box[0], centres[:, 1] - box[1], box[2] - centres[:, 0], box[3] - centres[:, 1]], 1)
        inside[g] = sides.min(1).values > 1e-9
        u = ciou(boxes, box.expand_as(boxes)).clamp(min=0)
        overlap[g] = torch.where(inside[g], u, torch.zeros_like(u))
        a = scores[:, true_classes[g]] ** alpha * u ** beta
        align[g] = torch.where(inside[g], a, torch.zeros_like(a))
    claimed = torch.zeros_like(inside)
    for g in range(n_true):
        # only anchors inside compete; of equals (often zeros) the first: topk would leave that open
        candidates = inside[g].nonzero().reshape(-1)
        order = torch.sort(align[g][candidates], descending=True, stable=True).indices
        claimed[g, candidates[order[:top_k]]] = True
    for a in range(n_anchors):
        if claimed[:, a].sum() > 1:  # the target with the highest overlap of all takes the anchor
            winner = int(overlap[:, a].argmax())
            claimed[:, a] = False
            claimed[winner, a] = True
    for g in range(n_true):
        mine = claimed[g]
        if mine.any():
            best_align, best_overlap = align[g][mine].max(), overlap[g][mine].max()
            index[mine] = g
            score[mine] = align[g][mine] * best_overlap / (best_align + 1e-9)
    return index, score


def loss(outputs, targets, strides=(8, 16, 32), gains=(7.5, 0.5, 1.5, 7.5)):
    """outputs: of YoloSeg. targets: per image a dict boxes [n,4] px, classes [n], map [H/4,W/4] with 0 or i+1.
    Returns total and the four parts (box, cls, dfl, mask) without gains, and the assignments."""
    box_maps, cls_maps, coef_maps, proto = outputs
    bins, logits, coefs = flatten(box_maps), flatten(cls_maps), flatten(coef_maps)
    points, step = anchors(box_maps, strides)
    batch = bins.shape[0]
    classes = logits.shape[2]
    distance = bins.view(batch, -1, 4, BINS).softmax(3) @ torch.arange(BINS, dtype=bins.dtype)
    predicted = torch.cat([points - distance[..., :2], points + distance[..., 2:]], -1)  # stride units
    assigned = [assign(logits[i].sigmoid().detach(), (predicted[i] * step[:, None]).detach(), points * step[:, None], targets[i]["boxes"],
                       targets[i]["classes"]) for i in range(batch)]
    normaliser = max(sum(float(s.sum()) for _, s in assigned), 1.0)
    foreground = sum(int((g >= 0).sum()) for g, _ in assigned)
    part = {k: bins.sum() * 0 for k in ("box", "cls", "dfl", "mask")}
    for i, (index, score) in enumerate(assigned):
        want = torch.zeros_like(logits[i])
        fg = (index >= 0).nonzero().reshape(-1)
        if len(fg):
            want[fg, targets[i]["classes"][index[fg]]] = score[fg]
        part["cls"] = part["cls"] + F.binary_cross_entropy_with_logits(logits[i], want, reduction="sum") / normaliser
        if not len(fg):
            continue
        true = targets[i]["boxes"][index[fg]] / step[fg, None]
        weight = score[fg]
        part["box"] = part["box"] + ((1 - ciou(predicted[i][fg], true)) * weight).sum() / normaliser
        sides = torch.cat([points[fg] - true[:, :2], true[:, 2:] - points[fg]], 1).clamp(0, BINS - 1 - 0.01)
        low = sides.floor().long()
        log_p = bins[i][fg].view(-1, 4, BINS).log_softmax(2)
        at_low = log_p.gather(2, low[..., None])[..., 0]
        at_high = log_p.gather(2, low[..., None] + 1)[..., 0]
        dfl = -(at_low * (low + 1 - sides) + at_high * (sides - low))
        part["dfl"] = part["dfl"] + (dfl.mean(1) * weight).sum() / normaliser
        part["mask"] = part["mask"] + mask_loss(coefs[i][fg], proto[i], index[fg], targets[i], box_maps[0].shape, strides[0]) / foreground
    total = sum(g * p for g, p in zip(gains, part.values())) * batch
    return total, part, assigned


def mask_loss(coefs, proto, index, target, shape, stride):
    height, width = shape[2] * stride, shape[3] * stride
    ph, pw = proto.shape[1:]
    logits = torch.einsum("nc,chw->nhw", coefs, proto)
    truth = (target["map"][None] == index[:, None, None] + 1).double()
    pixel = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    box = target["boxes"][index] / torch.tensor([width, height, width, height], dtype=torch.float64)
    area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    x = torch.arange(pw, dtype=torch.float64)[None, None, :]
    y = torch.arange(ph, dtype=torch.float64)[None, :, None]
    x1, y1, x2, y2 = [(box[:, k] * s)[:, None, None] for k, s in enumerate((pw, ph, pw, ph))]
    crop = (x >= x1) & (x < x2) & (y >= y1) & (y < y2)
    return ((pixel * crop).mean((1, 2)) / area).sum()

"""Golden values of find's decoding: tests/golden/find.gold, read by tests/golden/test_golden_find.c.

Random raw outputs (formula.py, repeated by the test) of a detector with a 64 x 64 input, two classes and eight prototypes go through a plain numpy decoding, suppression of overlaps by
torchvision (classes kept apart by moving their boxes 7680 pixels), and masks by torch: interpolate() as the reference does it where the picture is the network input, grid_sample() at the
pixels' centres where it is letterboxed. Of every mask: number of pixels, sum of their columns, sum of their rows.

    python3 tools/golden/golden_find.py tests/golden/find.gold
"""
import math
import sys

import numpy as np
import torch
import torchvision

import formula
import golden_file

SIDE, CLASSES, BINS, COEFFICIENTS, PROTO = 64, 2, 16, 8, 16
STRIDES = (8, 16, 32)


def raw_outputs():
    levels = []
    for l, stride in enumerate(STRIDES):
        n = SIDE // stride
        levels.append(tuple(formula.values("find/c/%s%d" % (kind, l), (c, n, n), low, high).numpy()
                            for kind, c, low, high in (("box", 4 * BINS, -7, 3), ("class", CLASSES, -6, 2), ("coef", COEFFICIENTS, -1, 1))))
    return levels, formula.values("find/c/proto", (COEFFICIENTS, PROTO, PROTO), -1, 1).numpy()


def decode(levels):
    boxes, scores, coefficients = [], [], []
    for (box, cls, coef), stride in zip(levels, STRIDES):
        n = SIDE // stride
        e = np.exp(box.reshape(4, BINS, n * n))
        sides = (e * np.arange(BINS)[None, :, None]).sum(1) / e.sum(1)
        y, x = np.divmod(np.arange(n * n), n)
        boxes.append(np.stack([x + .5 - sides[0], y + .5 - sides[1], x + .5 + sides[2], y + .5 + sides[3]], 1) * stride)
        scores.append(1 / (1 + np.exp(-cls.reshape(CLASSES, n * n).T)))
        coefficients.append(coef.reshape(COEFFICIENTS, n * n).T)
    return np.concatenate(boxes), np.concatenate(scores), np.concatenate(coefficients)


def select(boxes, scores, threshold, iou, most, multi):
    if multi:
        anchor, label = np.nonzero(scores > threshold)
    else:
        anchor = np.nonzero(scores.max(1) > threshold)[0]
        label = scores[anchor].argmax(1)
    score = scores[anchor, label]
    order = np.argsort(-score, kind="stable")
    anchor, label, score = anchor[order], label[order], score[order]
    moved = boxes[anchor] + label[:, None] * 7680.0
    keep = torchvision.ops.nms(torch.from_numpy(moved), torch.from_numpy(score), iou).numpy()[:most]
    return anchor[keep], label[keep], score[keep], len(anchor)


def cropped_logits(proto, coefficients, box):
    logits = np.tensordot(coefficients, proto, 1)
    i = np.arange(PROTO)
    x1, y1, x2, y2 = box * PROTO / SIDE
    return logits * ((i >= x1) & (i < x2))[None, :] * ((i >= y1) & (i < y2))[:, None]


def mask_numbers(value, box):
    """value: logits on the picture's pixels. What lies outside of the box's whole pixels does not count."""
    h, w = value.shape
    x, y = np.arange(w), np.arange(h)
    inside = ((x >= math.floor(box[0])) & (x < math.ceil(box[2])))[None, :] & ((y >= math.floor(box[1])) & (y < math.ceil(box[3])))[:, None]
    close = np.abs(value[inside & (value != 0)])
    assert not close.size or close.min() > 1e-6, "a pixel hangs on rounding: %g" % close.min()
    on = inside & (value > 0)
    return [on.sum(), (on * x[None, :]).sum(), (on * y[:, None]).sum()]


def case(out, name, threshold, iou, most, multi, width, height):
    levels, proto = raw_outputs()
    boxes, scores, coefficients = decode(levels)
    anchor, label, score, candidates = select(boxes, scores, threshold, iou, most, multi)
    ratio = min(SIDE / width, SIDE / height)
    new_w, new_h = round(width * ratio), round(height * ratio)
    left, top = round((SIDE - new_w) / 2 - .1), round((SIDE - new_h) / 2 - .1)
    rows, masks = [], []
    for a, l, s in zip(anchor, label, score):
        box = (boxes[a] - [left, top, left, top]) / ratio
        box = np.clip(box, 0, [width, height, width, height])
        if box[2] <= box[0] or box[3] <= box[1]:
            continue
        network = box * ratio + [left, top, left, top]
        logits = torch.from_numpy(cropped_logits(proto, coefficients[a], network))[None, None]
        if (width, height) == (SIDE, SIDE):
            value = torch.nn.functional.interpolate(logits, (SIDE, SIDE), mode="bilinear", align_corners=False)
        else:
            x = ((torch.arange(width).double() + .5) * ratio + left) / SIDE * 2 - 1
            y = ((torch.arange(height).double() + .5) * ratio + top) / SIDE * 2 - 1
            grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)[None]
            value = torch.nn.functional.grid_sample(logits, grid, mode="bilinear", padding_mode="border", align_corners=False)
        rows.append([*box, s, l])
        masks.append(mask_numbers(value[0, 0].numpy(), box))
    print(name, candidates, "candidates,", len(anchor), "kept,", len(rows), "in the picture, mask pixels", [int(m[0]) for m in masks][:12])
    assert candidates > len(anchor) and masks
    out[name + "/found"] = np.array(rows)
    out[name + "/masks"] = np.array(masks, dtype=np.int64)


def main():
    out = {}
    case(out, "plain", .25, .7, 300, False, SIDE, SIDE)
    case(out, "letterbox", .05, .5, 20, True, 100, 60)
    case(out, "portrait", .4, .3, 300, True, 90, 211)
    golden_file.write(sys.argv[1], out)


main()

"""Golden run-length strings of masks, from pycocotools. The masks follow a rule that the test can repeat, so only the strings are stored.

    python3 -m venv venv && venv/bin/pip install numpy pycocotools
    venv/bin/python tools/golden/golden_rle.py tests/golden/rle.txt

A line a mask: kind width height area string. Kinds (x, y from 0): empty, full, checker (x + y odd), disc (inside the ellipse that fills the picture),
stripes (x mod 7 < 3), noise (bit 16 of a 32-bit linear congruential generator, row by row, seed width * 1000 + height), corner (first and last pixel).
"""
import sys

import numpy as np
from pycocotools import mask as coco


def make(kind, w, h):
    y, x = np.mgrid[0:h, 0:w]
    if kind == "empty":
        return np.zeros((h, w), np.uint8)
    if kind == "full":
        return np.ones((h, w), np.uint8)
    if kind == "checker":
        return ((x + y) % 2).astype(np.uint8)
    if kind == "disc":  # in whole numbers, so that it is the same everywhere
        return (((2 * x + 1 - w) ** 2 * h * h + (2 * y + 1 - h) ** 2 * w * w) < w * w * h * h).astype(np.uint8)
    if kind == "stripes":
        return (x % 7 < 3).astype(np.uint8)
    if kind == "corner":
        m = np.zeros((h, w), np.uint8)
        m[0, 0] = m[-1, -1] = 1
        return m
    m, state = np.zeros((h, w), np.uint8), (w * 1000 + h) & 0xFFFFFFFF
    for row in range(h):
        for column in range(w):
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            m[row, column] = state >> 16 & 1
    return m


with open(sys.argv[1], "w") as out:
    for kind in ["empty", "full", "checker", "disc", "stripes", "corner", "noise"]:
        for w, h in [(1, 1), (1, 9), (9, 1), (5, 7), (64, 48), (333, 17)]:
            if kind in ("noise", "checker") and w * h > 4000:
                continue
            m = make(kind, w, h)
            if kind in ("noise", "checker") and w * h > 1000:
                m[:, 8:] = 0  # the rest zero: keeps the line short
            rle = coco.encode(np.asfortranarray(m))
            out.write("%s %d %d %d %s\n" % (kind, w, h, int(coco.area(rle)), rle["counts"].decode()))
    big = np.zeros((3000, 4000), np.uint8)
    big[1000:2500, 700:3100] = 1
    rle = coco.encode(np.asfortranarray(big))
    del big
    out.write("block 4000 3000 %d %s...%d\n" % (int(coco.area(rle)), rle["counts"].decode()[:60], len(rle["counts"])))

#!/usr/bin/env python3
"""What `ursid find --boxes` gains on drawn scenes: heads found in whole pictures beside heads found with a box around every body, as a detector of animals would give it.

    ursid synth --out WORLD --frames 200 --bears 8 --seed 9 --size 1280x960
    tools/boxes_gain.py WORLD [URSID]                 needs Pillow

A head is found when a detection overlaps it by half (IoU)."""
import glob
import json
import os
import subprocess
import sys

from PIL import Image

OVERLAP = 0.5


def body_boxes(world):
    """MegaDetector results made of the masks of bodies."""
    images = []
    for path in sorted(glob.glob(os.path.join(world, "images", "*.jpg"))):
        mask, detections = os.path.join(world, "bodies", os.path.basename(path)[:-4] + ".png"), []
        if os.path.exists(mask):
            picture = Image.open(mask).convert("L")
            box = picture.point(lambda v: 255 if v else 0).getbbox()
            if box:
                w, h = picture.size
                detections.append({"category": "1", "conf": 0.9, "bbox": [box[0] / w, box[1] / h, (box[2] - box[0]) / w, (box[3] - box[1]) / h]})
        images.append({"file": os.path.basename(path), "detections": detections})
    return {"info": {"format_version": "1.3", "detector": "bodies of drawn scenes"}, "detection_categories": {"1": "animal"}, "images": images}


def overlap(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def heads(world, file):
    path = os.path.join(world, "labels", file[:-4] + ".txt")
    if not os.path.exists(path):
        return []
    with open(path) as lines:
        rows = [[float(v) for v in line.split()[1:5]] for line in lines]
    return [[x - w / 2, y - h / 2, w, h] for x, y, w, h in rows]


def find(ursid, world, name, *options):
    out = os.path.join(world, name)
    subprocess.run([ursid, "find", os.path.join(world, "images"), "--out", out, "--fresh", "--quiet", *options], check=True, stdout=subprocess.DEVNULL)
    with open(out) as f:
        return {i["file"]: [d["bbox"] for d in i["detections"] or []] for i in json.load(f)["images"]}


def main():
    world, ursid = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "build/release/ursid"
    boxes = os.path.join(world, "bodies.json")
    with open(boxes, "w") as f:
        json.dump(body_boxes(world), f)
    print(f"{'':24}{'heads':>6}{'found':>7}{'detections':>12}")
    for label, options in (("whole pictures", ()), ("with boxes of bodies", ("--boxes", boxes))):
        answers = find(ursid, world, "find.json", *options)
        known = [(file, head) for file in answers for head in heads(world, file)]
        found = sum(any(overlap(head, d) > OVERLAP for d in answers[file]) for file, head in known)
        print(f"{label:24}{len(known):6}{found:7}{sum(len(d) for d in answers.values()):12}")


main()

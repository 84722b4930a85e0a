"""Golden pictures of the resize and golden tensors of the input function, made with Pillow and NumPy from a picture that a formula gives.

    /usr/bin/python3 tools/golden/golden_resize.py tests/golden/resize.bin tests/golden/tensor.bin

resize.bin: records of three little-endian u32 (width, height, filter: 0 bilinear, 2 bicubic) and width * height * 3 bytes.
tensor.bin: records of u32 fit (0 stretch, 1 letterbox, 2 centre crop), u32 filter, u32 width, u32 height, and width * height * 3 f32 (channel, row, column).
tests/unit/test_image_resize.c and test_image_tensor.c read them; the formula stands again in tests/unit/image_picture.h.
"""
import struct
import sys

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 97, 61
MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
FILTERS = {0: Image.BILINEAR, 2: Image.BICUBIC}


def picture(width, height):
    y, x = np.mgrid[0:height, 0:width].astype(np.uint32)
    noise = (x * np.uint32(73856093) ^ y * np.uint32(19349663)) >> np.uint32(7)
    return np.stack([(x * 7 + y * 3) % 256, (x * x + 3 * y * y) // 8 % 256, noise % 256], -1).astype(np.uint8)


def normalised(array):
    return ((array.astype(np.float32) / np.float32(255) - MEAN) / STD).transpose(2, 0, 1)


def fit(image, kind, how, width, height):
    w, h = image.size
    if kind == 0:
        return np.asarray(image.resize((width, height), how))
    if kind == 1:  # as Ultralytics' letterbox, antialiased
        r = min(height / h, width / w)
        nw, nh = round(w * r), round(h * r)
        out = np.full((height, width, 3), 114, np.uint8)
        left, top = round((width - nw) / 2 - 0.1), round((height - nh) / 2 - 0.1)
        out[top:top + nh, left:left + nw] = np.asarray(image.resize((nw, nh), how))
        return out
    short = int(width / 0.875)  # torchvision: Resize(short), CenterCrop(width)
    nw, nh = (short, int(short * h / w)) if w <= h else (int(short * w / h), short)
    top, left = int(round((nh - height) / 2.0)), int(round((nw - width) / 2.0))
    return np.asarray(image.resize((nw, nh), how))[top:top + height, left:left + width]


def main():
    image = Image.fromarray(picture(WIDTH, HEIGHT))
    with open(sys.argv[1], "wb") as f:
        for width, height in ((31, 23), (40, 61), (97, 9), (1, 1), (50, 75)):
            for number, how in FILTERS.items():
                f.write(struct.pack("<III", width, height, number))
                f.write(np.asarray(image.resize((width, height), how)).tobytes())
    with open(sys.argv[2], "wb") as f:
        for kind, number in ((0, 0), (0, 2), (1, 0), (2, 0), (2, 2)):
            f.write(struct.pack("<IIII", kind, number, 28, 28))
            f.write(normalised(fit(image, kind, FILTERS[number], 28, 28)).astype("<f4").tobytes())


main()

"""Tiny pictures of the kinds that our own encoders do not write, for tests/unit/test_image_decode.c and the fuzz corpus.

    /usr/bin/python3 tools/golden/fixtures_image.py tests/fixtures/image

All show the same 24 x 16 picture, given by formulas that stand again in tests/unit/image_picture.h: `smooth` where the format loses something, `picture` where it does not.
"""
import os
import struct
import sys
import zlib

import numpy as np
from PIL import Image, TiffImagePlugin

WIDTH, HEIGHT = 24, 16


def picture(width, height):
    y, x = np.mgrid[0:height, 0:width].astype(np.uint32)
    noise = (x * np.uint32(73856093) ^ y * np.uint32(19349663)) >> np.uint32(7)
    return np.stack([(x * 7 + y * 3) % 256, (x * x + 3 * y * y) // 8 % 256, noise % 256], -1).astype(np.uint8)


def smooth(width, height):
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // (width - 1), y * 255 // (height - 1), 255 - x * 255 // (width - 1)], -1).astype(np.uint8)


def alpha(width, height):
    y, x = np.mgrid[0:height, 0:width]
    return ((x * 11 + y * 5) % 256).astype(np.uint8)


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path, depth, colour, rows, interlace=0, extra=b""):
    """rows: bytes of all scan lines, filter bytes included."""
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, interlace)))
        f.write(extra + png_chunk(b"IDAT", zlib.compress(rows, 9)) + png_chunk(b"IEND", b""))


def exif_block(orientation):
    """Big-endian TIFF structure with one field."""
    return b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


def main(folder):
    os.makedirs(folder, exist_ok=True)
    at = lambda name: os.path.join(folder, name)
    exact, soft, a = picture(WIDTH, HEIGHT), smooth(WIDTH, HEIGHT), alpha(WIDTH, HEIGHT)
    rgb, rgba = Image.fromarray(exact), Image.fromarray(np.dstack([exact, a]))

    # 16 bits: 256 v + 200, which rounds to v or v + 1
    wide = exact.astype(np.uint16) * 256 + 200
    png(at("rgb16.png"), 16, 2, b"".join(b"\0" + row.astype(">u2").tobytes() for row in wide))
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    png(at("interlaced_exif8.png"), 8, 2, b"".join(b"\0" + row.tobytes() for x, y, dx, dy in passes for row in exact[y::dy, x::dx]), 1,
        png_chunk(b"eXIf", exif_block(8)))
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    index = Image.fromarray(((x + y) % 5).astype(np.uint8), "P")
    index.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 200, 100, 50])
    index.save(at("palette.png"), transparency=bytes([255, 255, 128, 255, 0]))
    rgba.save(at("rgba.png"))
    Image.fromarray(((x + y) % 2 * 255).astype(np.uint8)).convert("1").save(at("bits.png"))

    rgb.save(at("lzw_exif6.tif"), compression="tiff_lzw", tiffinfo={274: 6, 306: "2024:07:08 09:10:11", 271: "Maker", 272: "Trap 5"})
    rgba.save(at("rgba_deflate.tif"), compression="tiff_adobe_deflate")
    Image.fromarray(exact[..., 0]).save(at("grey.tif"))

    Image.fromarray(soft).save(at("lossy.webp"), quality=90)
    exif = b"Exif\0\0" + exif_block(3)
    rgba.save(at("lossless_alpha_exif3.webp"), lossless=True, exact=True, exif=exif)

    ink = 255 - soft
    Image.fromarray(np.dstack([ink, np.full((HEIGHT, WIDTH), 51, np.uint8)]), "CMYK").save(at("cmyk.jpg"), quality=95)
    Image.fromarray(soft).save(at("progressive.jpg"), quality=92, progressive=True, subsampling=0)
    Image.fromarray(soft[..., 0]).save(at("grey.jpg"), quality=92)
    full = Image.Exif()
    full[271], full[272], full[306], full[274] = "Acme", "Acme Trap 9000", "2023:01:01 00:00:00", 1
    full[0x8769] = {0x9003: "2022:06:15 04:05:06", 0x9011: "-08:30"}
    Image.fromarray(soft).save(at("exif.jpg"), quality=92, exif=full.tobytes())


main(sys.argv[1])

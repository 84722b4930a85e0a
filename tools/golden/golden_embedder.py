"""Output of mobilenet_v3_small_075_224_embedder.tflite for a procedural picture, as the TFLite runtime computes it.

    python3 tools/golden/golden_embedder.py FILE.tflite tests/golden/mobilenet_v3_small_075.gold

Needs numpy and ai-edge-litert (pip). The picture: value (7x + 13y + 29c + (x*y mod 31)) mod 256, divided by 255, RGB in [0,1]; tests/unit/test_import.c
makes the same.
"""
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import golden_file


def picture():
    y, x, c = np.meshgrid(np.arange(224), np.arange(224), np.arange(3), indexing="ij")
    return (((x * 7 + y * 13 + c * 29 + (x * y) % 31) % 256) / 255).astype(np.float32)[None]


def main():
    it = Interpreter(sys.argv[1])
    it.allocate_tensors()
    it.set_tensor(it.get_input_details()[0]["index"], picture())
    it.invoke()
    golden_file.write(sys.argv[2], {"features": it.get_tensor(it.get_output_details()[0]["index"])[0]})


main()

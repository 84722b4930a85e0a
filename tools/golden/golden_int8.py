#!/usr/bin/env python3
"""Compares our int8 oracles with TFLite, byte for byte, and makes tests/golden/int8_ops.gold.

    python3 golden_int8.py compare FOLDER        files of `int8_write_cases FOLDER 40 large` (preset dev), or of a network
    python3 golden_int8.py write FOLDER GOLD     files of `int8_write_cases FOLDER 8 small`

Needs: numpy, ai-edge-litert (LiteRT, TFLite's present name). Two of its kernel sets stand beside our two arithmetics:
    npu   BUILTIN_REF, the reference kernels, which round as the Ethos-U does
    tfl   BUILTIN_WITHOUT_DEFAULT_DELEGATES, the optimised kernels of a CPU. Ours are those of TFLite 2.14.1 (tests/backend/test_int8_tflite.c: no difference); LiteRT 2.3
          on x86 rounds halves upwards in some vectors of DEPTHWISE_CONV_2D, QUANTIZE, TRANSPOSE_CONV and MEAN, too
and, for information only, BUILTIN, whose XNNPACK delegate computes factors in float and may differ by one.
"""
import collections
import os
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import golden_file

KERNELS = {"npu": OpResolverType.BUILTIN_REF, "tfl": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, "xnnpack": OpResolverType.BUILTIN}


def run(path, data, resolver):
    """Output bytes of the network for the bytes of its inputs."""
    network = Interpreter(path, experimental_op_resolver_type=resolver, num_threads=1)
    network.allocate_tensors()
    at = 0
    for d in network.get_input_details():
        size = int(np.prod(d["shape"])) * np.dtype(d["dtype"]).itemsize
        network.set_tensor(d["index"], np.frombuffer(data[at:at + size], d["dtype"]).reshape(d["shape"]))
        at += size
    network.invoke()
    return b"".join(network.get_tensor(d["index"]).tobytes() for d in network.get_output_details())


def run_apart(path, data, resolver):
    """The same in a child process: some kernels end the process instead of failing."""
    back, there = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(back)
        try:
            answer = b"y" + run(path, data, resolver)
        except (RuntimeError, ValueError) as e:
            answer = b"n" + (str(e).strip().splitlines() or ["?"])[-1].encode()
        with os.fdopen(there, "wb") as f:
            f.write(answer)
        os._exit(0)
    os.close(there)
    with os.fdopen(back, "rb") as f:
        answer = f.read()
    os.waitpid(child, 0)
    if answer[:1] != b"y":
        raise RuntimeError(answer[1:].decode() or "the process died")
    return answer[1:]


def names(folder):
    return sorted(f[:-7] for f in os.listdir(folder) if f.endswith(".tflite"))


def read(folder, name, extension):
    with open(os.path.join(folder, f"{name}.{extension}"), "rb") as f:
        return f.read()


def compare(folder):
    values, differ, largest, failed = collections.Counter(), collections.Counter(), collections.Counter(), {}
    for name in names(folder):
        op = name.rsplit("_", 1)[0]
        for kernels, resolver in KERNELS.items():
            try:
                theirs = np.frombuffer(run_apart(os.path.join(folder, name + ".tflite"), read(folder, name, "in"), resolver), np.int8).astype(int)
            except RuntimeError as e:
                failed[name, kernels] = str(e)
                continue
            ours = np.frombuffer(read(folder, name, "tfl" if kernels == "xnnpack" else kernels), np.int8).astype(int)
            if len(ours) != len(theirs):
                failed[name, kernels] = f"{len(theirs)} bytes, ours are {len(ours)}"
                continue
            away = np.abs(ours - theirs)
            if op == "DEQUANTIZE":  # floats: a fused multiply-add may give another last bit
                a, b = (np.frombuffer(x.astype(np.int8).tobytes(), "<f4") for x in (ours, theirs))
                away = (np.abs(a - b) > 1e-5 * np.abs(a) + 1e-6).astype(int)
            values[op, kernels] += len(ours)
            differ[op, kernels] += int(np.count_nonzero(away))
            largest[op, kernels] = max(largest[op, kernels], int(away.max(initial=0)))
    print("%-26s" % "operator" + "".join("%36s" % f"{k}: values, differences (largest)" for k in KERNELS))
    for op in sorted({o for o, _ in values}):
        print("%-26s" % op + "".join("%36s" % f"{values[op, k]}, {differ[op, k]} ({largest[op, k]})" for k in KERNELS))
    print("%-26s" % "all" + "".join("%36s" % f"{sum(v for (_, kk), v in values.items() if kk == k)}, {sum(v for (_, kk), v in differ.items() if kk == k)}" for k in KERNELS))
    for (name, kernels), why in sorted(failed.items()):
        print(f"did not run: {name} ({kernels}): {why}")
    wrong = sum(v for (_, k), v in differ.items() if k == "npu")
    return 1 if wrong or failed else 0


def write(folder, gold):
    """Outputs of TFLite as int64, which is what the golden files have for whole numbers; eight bytes of output make one. `tfl` where the two arithmetics differ."""
    tensors = {}
    for name in names(folder):
        for kernels in ("npu", "tfl") if name.startswith(("CONV_2D", "FULLY_CONNECTED", "MEAN")) else ("npu",):
            out = run(os.path.join(folder, name + ".tflite"), read(folder, name, "in"), KERNELS[kernels])
            tensors[f"{name}/{kernels}"] = np.frombuffer(out + b"\0" * (-len(out) % 8), "<i8")
    golden_file.write(gold, tensors)
    print(f"{gold}: {len(tensors)} outputs of LiteRT, {os.path.getsize(gold)} bytes")
    return 0


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "compare":
        sys.exit(compare(sys.argv[2]))
    if len(sys.argv) == 4 and sys.argv[1] == "write":
        sys.exit(write(sys.argv[2], sys.argv[3]))
    sys.exit(__doc__)

#!/usr/bin/env python3
"""int8 MobileNetV3-Small beside our float network and ONNX Runtime's float network: one image, one thread, taking turns in one run.

    bench/bench_int8.py [--build build/bench] [--seconds 12] [--python INTERPRETER with onnxruntime and, to make the ONNX file, torch and torchvision]

The whole is also done with oneDNN and ONNX Runtime kept to AVX2 as far as they allow it (oneDNN: ONEDNN_MAX_CPU_ISA; ONNX Runtime cannot be), for the sets of kernels that a processor without
AVX-512 would run. Best and median of wall time, and the ratio to each float. Bars: at most 0.6 of our float, at most 0.5 of ONNX Runtime's."""
import argparse
import os
import statistics
import sys

from bench_engines import Engine, Failed, find_reference

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = 12


def onnx_file(build, pythons):
    path = os.path.join(build, "onnx", "mobilenet_v3_small.onnx")
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        torch = find_reference("torch", pythons, {})
        if torch is None:
            return None
        try:
            torch.ask(f"export mobilenet_v3_small {path}")
        except Failed as e:
            print(e)
            return None
        torch.close()
    return os.path.dirname(path)


def measure(engine, requests, seconds, times):
    for name, request in requests.items():
        try:
            times.setdefault(name, []).extend(engine.ask(f"{request} {seconds}")["wall"])
        except Failed:
            times.pop(name, None)


def table(title, times):
    print(title)
    print(f"  {'':22} {'best ms':>9} {'median ms':>10}   {'/ our float':>16} {'/ ONNX Runtime':>16}   best (median)")
    for name, t in times.items():
        row = f"  {name:22} {1e3 * min(t):9.3f} {1e3 * statistics.median(t):10.3f}   "
        for base in ("float", "onnxruntime"):
            b = times.get(base)
            row += f"{min(t) / min(b):8.2f} ({statistics.median(t) / statistics.median(b):5.2f}) " if b else f"{'':17}"
        print(row)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default="build/bench")
    p.add_argument("--seconds", type=float, default=12)
    p.add_argument("--python", action="append", default=[])
    options = p.parse_args()
    folder = onnx_file(options.build, options.python)
    theirs = find_reference("onnxruntime", options.python, {"URSID_BENCH_ONNX": folder}) if folder else None
    if theirs is None:
        print("ONNX Runtime or its network is not there: compared with our float only")
    program = [os.path.join(options.build, "bench_int8")]
    for title, environment, sets in (("as this processor is", {}, ("avx512-vnni", "avx-vnni", "avx2", "sdot", "neon")),
                                     ("oneDNN kept to AVX2", {"ONEDNN_MAX_CPU_ISA": "AVX2"}, ("avx-vnni", "avx2"))):
        ours, times = Engine("bench_int8", program, environment), {}
        for _ in range(ROUNDS):
            measure(ours, {"float": "float"}, options.seconds / ROUNDS / 4, times)
            for name in sets:
                measure(ours, {name: name}, options.seconds / ROUNDS / 4, times)
            if theirs:
                measure(theirs, {"onnxruntime": "one mobilenet_v3_small"}, options.seconds / ROUNDS / 4, times)
        ours.close()
        table(title, times)
    return 0


if __name__ == "__main__":
    sys.exit(main())

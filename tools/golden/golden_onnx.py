#!/usr/bin/env python3
"""Runs our ONNX models with ONNX Runtime and compares.

    onnx_write_cases FOLDER 20;             python3 golden_onnx.py FOLDER        every architecture and int8 operator
    onnx_write_cases FOLDER WEIGHTS 10;     python3 golden_onnx.py FOLDER        weights

Needs: numpy, onnxruntime; onnx, if it is there, checks the models too. Float outputs must agree within 1e-4 of the largest number, int8 outputs of one operator within one
step. int8 networks are deep, and a value that is rounded the other way moves what is computed of it: of them the differences are counted. Ends in `N passed, N failed`; exit code 1 if any failed.
"""
import collections
import os
import sys

import numpy as np
import onnxruntime

try:
    import onnx
except ImportError:
    onnx = None


def shapes(values):
    return [[d if isinstance(d, int) else 1 for d in v.shape] for v in values]


def compare(folder, name):
    """None if all is well, else what is not; and the differences in steps, or relative."""
    path = os.path.join(folder, name)
    if onnx:
        onnx.checker.check_model(onnx.load(path + ".onnx"), full_check=True)
    session = onnxruntime.InferenceSession(path + ".onnx", providers=["CPUExecutionProvider"])
    data, at, feed = np.fromfile(path + ".in", np.float32), 0, {}
    for v, shape in zip(session.get_inputs(), shapes(session.get_inputs())):
        size = int(np.prod(shape))
        feed[v.name] = data[at:at + size].reshape(shape)
        at += size
    expected, at = np.fromfile(path + ".out", np.float32), 0
    steps = [(int(n), float(s)) for n, s in (line.split() for line in open(path + ".steps"))]
    worst, wrong, all_of = 0.0, 0, 0
    for y, (count, step) in zip(session.run(None, feed), steps):
        e = expected[at:at + count]
        at += count
        d = np.abs(y.reshape(-1).astype(np.float64) - e) / (step if step else float(np.abs(e).max()) or 1.0)
        worst = max(worst, float(d.max()))
        wrong += int((d > 0.5).sum()) if step else 0
        all_of += count
    if at != expected.size:
        return "another number of outputs", worst, wrong, all_of, steps[0][1] > 0
    return None, worst, wrong, all_of, steps[0][1] > 0


def main(folder):
    passed = failed = 0
    operators = collections.defaultdict(lambda: [0, 0, 0.0])
    for name in sorted(f[:-5] for f in os.listdir(folder) if f.endswith(".onnx")):
        try:
            problem, worst, wrong, count, int8 = compare(folder, name)
        except Exception as e:  # whatever the runtime says is a failure of this case
            problem, worst, wrong, count, int8 = str(e).splitlines()[0][:200], float("nan"), 0, 0, False
        base = name[:-4] if name[-4:-3] == "_" and name[-3:].isdigit() else name
        operator = base.isupper()
        if not problem and (worst > 1e-4 if not int8 else operator and worst > 1.01):
            problem = f"difference {worst:.3g}"
        if int8:
            o = operators[base]
            o[0], o[1], o[2] = o[0] + count, o[1] + wrong, max(o[2], worst)
        elif not problem:
            print(f"{name}: float, largest difference {worst:.2g}")
        passed, failed = passed + (not problem), failed + bool(problem)
        if problem:
            print(f"{name}: {problem}")
    for base, (count, wrong, worst) in sorted(operators.items()):
        print(f"{base}: int8, {count} values, {wrong} differ ({100 * wrong / max(count, 1):.3f} %), at most {worst:.2f} steps")
    print(f"ONNX Runtime {onnxruntime.__version__}, onnx {onnx.__version__ if onnx else 'not there'}; {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

#!/usr/bin/env python3
"""The same work as bench_networks, done by PyTorch (channels-last) or ONNX Runtime; same networks, sizes, batches and threads.

    compare.py torch | onnxruntime probe                              one line of JSON: version, or an error
    compare.py torch one NET SECONDS                                  one image, one thread
    compare.py torch many NET IMAGES CHUNK THREADS SECONDS            PyTorch: one batch, threads inside the operations (CHUNK is ignored)
                                                                      ONNX Runtime: CHUNK 0 the same; else parts of CHUNK images, one session a thread
    compare.py torch train NET BATCH THREADS SECONDS                  forward, loss, backward, SGD with momentum
    compare.py torch export NET FILE.onnx                             for ONNX Runtime
    compare.py torch | onnxruntime serve                              the requests above, a line each, on standard input

Answers are {"wall":[..],"cpu":[..]} in seconds, as those of bench_networks. ONNX files are looked for in $URSID_BENCH_ONNX (a folder). Networks come from torchvision and from the
plain-PyTorch references in tools/golden; weights are random."""
import contextlib
import inspect
import json
import os
import sys
import time

os.environ.pop("OPENBLAS_CORETYPE", None)  # a setting for other programs; it slows PyTorch's matrix products
HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLES_MAX = 2000
SEED = 7


def measure(work, seconds, least):
    work()
    wall, cpu = [], []
    end = time.perf_counter() + seconds
    while len(wall) < SAMPLES_MAX and (len(wall) < least or time.perf_counter() < end):
        w, c = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - w)
        cpu.append(time.process_time() - c)
    return {"wall": wall, "cpu": cpu}


def input_side(net):
    return 640 if net in ("yolov8n", "yolov8n-seg") else 384 if net == "efficientnet_v2_s" else 224


def build(net):
    """The network and whether it is a detector (a list of raw outputs)."""
    import torch
    import torch.nn as nn
    import torchvision
    sys.path.insert(0, os.path.join(HERE, "..", "tools", "golden"))
    torch.manual_seed(SEED)

    class Flat(nn.Module):
        """Raw outputs of all levels, without masks if the network has none."""

        def __init__(self, net, masks):
            super().__init__()
            self.net, self.masks = net, masks
            if not masks:
                self.net.model[22].cv4 = nn.ModuleList()
                self.net.model[22].proto = nn.Identity()

        def forward(self, x):
            box, cls, coef, proto = self.net(x)
            return tuple(box) + tuple(cls) + (tuple(coef) + (proto,) if self.masks else ())

    class Trunk(nn.Module):
        def __init__(self, net):
            super().__init__()
            self.model = net.model[:10]
            self.classifier = nn.Linear(256, 1000)

        def forward(self, x):
            for part in self.model:
                x = part(x)
            return self.classifier(x.mean((2, 3)))

    if net == "mobilenet_v3_small":
        return torchvision.models.mobilenet_v3_small(), False
    if net == "mobilenet_v3_small_075":
        from torchvision.models import mobilenetv3
        setting, last = mobilenetv3._mobilenet_v3_conf("mobilenet_v3_small", width_mult=0.75)
        return mobilenetv3.MobileNetV3(setting, 1024 if last < 1024 else last), False
    plain = {"mobilenet_v3_large": "mobilenet_v3_large", "resnet50": "resnet50", "efficientnet_v2_s": "efficientnet_v2_s", "convnext_tiny": "convnext_tiny", "swin_tiny": "swin_t"}
    if net in plain:
        return getattr(torchvision.models, plain[net])(), False
    if net == "efficientnet_lite0":
        from lite_reference import EfficientNetLite0
        return EfficientNetLite0(1000), False
    if net in ("yolov8n", "yolov8n-seg", "yolov8n_trunk"):
        from yolo_reference import YoloSeg
        yolo = YoloSeg(80)
        return (Trunk(yolo), False) if net == "yolov8n_trunk" else (Flat(yolo, net == "yolov8n-seg"), True)
    raise KeyError("there is no reference of " + net)


def blas_library():
    """The BLAS that PyTorch's matrix products run on, from what is loaded: Debian's plain reference BLAS is twenty times slower than OpenBLAS."""
    with open("/proc/self/maps") as maps:
        files = sorted({line.split()[-1] for line in maps if ("blas" in line and "cublas" not in line) or "blis" in line or "mkl_rt" in line})
    files = [f for f in files if ".libs" not in f]  # numpy's private copy
    return os.path.realpath(files[0]) if files else ""


class Torch:
    """Keeps the last network; eager mode, channels-last."""

    def __init__(self):
        import torch
        self.torch, self.net, self.state = torch, None, {}
        self.blas = blas_library()

    def probe(self):
        import torchvision
        return {"version": self.torch.__version__, "torchvision": torchvision.__version__, "blas": "/".join(self.blas.split("/")[-2:])}

    def set_threads(self, n):
        self.torch.set_num_threads(n)
        if "openblas" in self.blas:  # has threads of its own
            import ctypes
            ctypes.CDLL(self.blas).openblas_set_num_threads(n)

    def open(self, net):
        if self.net != net:
            self.net, self.state = net, {}

    def pictures(self, n):
        side = input_side(self.net)
        return (self.torch.rand(n, 3, side, side) * 2 - 1).to(memory_format=self.torch.channels_last)

    def infer(self, images, threads, seconds, least):
        torch = self.torch
        self.set_threads(threads)
        if "infer" not in self.state:
            self.state["infer"] = build(self.net)[0].eval().to(memory_format=torch.channels_last)
        net, x = self.state["infer"], self.pictures(images)
        with torch.inference_mode():
            return measure(lambda: net(x), seconds, least)

    def one(self, seconds):
        return self.infer(1, 1, seconds, 3)

    def many(self, images, chunk, threads, seconds):
        return self.infer(int(images), int(threads), seconds, 1)

    def train(self, batch, threads, seconds):
        torch = self.torch
        self.set_threads(int(threads))
        if "train" not in self.state:
            net, detector = build(self.net)
            net = net.train().to(memory_format=torch.channels_last)
            self.state["train"] = net, detector, torch.optim.SGD(net.parameters(), 1e-5, momentum=0.9)
        net, detector, optimiser = self.state["train"]
        x, labels = self.pictures(int(batch)), torch.arange(int(batch)) * 37 % 1000

        def step():
            optimiser.zero_grad(set_to_none=True)
            out = net(x)
            loss = sum((o * o).mean() for o in out) / 2 if detector else torch.nn.functional.cross_entropy(out, labels)
            loss.backward()
            optimiser.step()

        return measure(step, seconds, 1)

    def export(self, path):
        torch = self.torch
        net = build(self.net)[0].eval()
        side = input_side(self.net)
        part = path + ".part"
        with torch.no_grad(), contextlib.redirect_stdout(sys.stderr):  # the exporter talks; stdout is for answers
            torch.onnx.export(net, torch.rand(1, 3, side, side), part, opset_version=14, input_names=["x"], dynamic_axes={"x": {0: "n"}}, do_constant_folding=True, **({"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}))
        os.replace(part, path)
        return {"exported": os.path.basename(path)}


class OnnxRuntime:
    """float32, all graph optimisations, memory arena; the defaults of its users."""

    def __init__(self):
        import numpy
        import onnxruntime
        onnxruntime.set_default_logger_severity(3)
        self.np, self.ort, self.net, self.sessions = numpy, onnxruntime, None, {}

    def probe(self):
        return {"version": self.ort.__version__}

    def open(self, net):
        if self.net != net:
            self.net, self.sessions = net, {}

    def session(self, threads, key=0):
        if (threads, key) not in self.sessions:
            options = self.ort.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
            options.graph_optimization_level = self.ort.GraphOptimizationLevel.ORT_ENABLE_ALL
            path = os.path.join(os.environ.get("URSID_BENCH_ONNX", "."), self.net + ".onnx")
            self.sessions[threads, key] = self.ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return self.sessions[threads, key]

    def pictures(self, n):
        side = input_side(self.net)
        return self.np.random.default_rng(SEED).uniform(-1, 1, (n, 3, side, side)).astype(self.np.float32)

    def one(self, seconds):
        session, x = self.session(1), self.pictures(1)
        return measure(lambda: session.run(None, {"x": x}), seconds, 3)

    def many(self, images, chunk, threads, seconds):
        images, chunk, threads = int(images), int(chunk), int(threads)
        if chunk == 0:
            self.sessions = {k: s for k, s in self.sessions.items() if k[0] == threads}
            session, x = self.session(threads), self.pictures(images)
            return measure(lambda: session.run(None, {"x": x}), seconds, 1)
        from concurrent.futures import ThreadPoolExecutor
        sessions, x = [self.session(1, i) for i in range(threads)], self.pictures(chunk)
        share = images // chunk // threads
        with ThreadPoolExecutor(threads) as pool:
            def part(i):
                for _ in range(share):
                    sessions[i].run(None, {"x": x})
            return measure(lambda: list(pool.map(part, range(threads))), seconds, 1)


def answer(engine, words):
    kind = words[0]
    if kind == "probe":
        return engine.probe()
    if kind not in ("one", "many", "train", "export") or not hasattr(engine, kind):
        raise ValueError("there is no request " + kind)
    engine.open(words[1])
    return engine.export(words[2]) if kind == "export" else getattr(engine, kind)(*map(float, words[2:]))


def main(argv):
    try:
        engine = {"torch": Torch, "onnxruntime": OnnxRuntime}[argv[1]]()
        if argv[2] != "serve":
            print(json.dumps(answer(engine, argv[2:])))
            return 0
    except (KeyError, IndexError):
        print(__doc__, file=sys.stderr)
        return 2
    except Exception as e:  # not installed
        print(json.dumps({"error": f"{type(e).__name__}: {e}"}))
        return 1
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            reply = answer(engine, line.split())
        except Exception as e:  # the driver decides what a failed measurement means
            reply = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(reply), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))

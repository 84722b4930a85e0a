"""Networks with the shapes of ours and random int8 weights as .tflite files, to ask a compiler for an NPU what they would cost before anything is trained.

    python npu_shapes.py FOLDER [NAME...]      writes FOLDER/NAME.tflite, all or those named; prints "file<TAB>stage<TAB>network<TAB>side<TAB>multiply-adds"

Needs numpy and the package ethos-u-vela, whose TFLite schema it writes with. tools/vela.sh runs it. Ranges and scales are arbitrary: an estimate depends on shapes and operators, and on the weights
only through how well they compress (random ones are the worst case). The stems marked s2d read the picture as [side/2, side/2, 12], which the processor rearranges: the 3x3/2 convolution is then a 2x2
one, the same function.
"""
import os
import sys

import flatbuffers
import numpy as np
from ethosu.vela.tflite import (AddOptions, Buffer, ConcatenationOptions, Conv2DOptions, DepthwiseConv2DOptions, HardSwishOptions, Model, MulOptions, Operator, OperatorCode, PadOptions, Pool2DOptions,
                                QuantizationParameters, ReducerOptions, ResizeNearestNeighborOptions, SplitOptions, SubGraph, Tensor, TransposeConvOptions)

INT32, INT8 = 2, 9
SAME, VALID = 0, 1
NONE, RELU, RELU6 = 0, 1, 3
# operator: builtin code, version, union id of its options, module and name of the options
KINDS = {
    "add": (0, 2, 11, AddOptions, "AddOptions"), "concat": (2, 2, 10, ConcatenationOptions, "ConcatenationOptions"), "conv": (3, 3, 1, Conv2DOptions, "Conv2DOptions"),
    "depthwise": (4, 3, 2, DepthwiseConv2DOptions, "DepthwiseConv2DOptions"), "logistic": (14, 2, 0, None, None), "max_pool": (17, 2, 5, Pool2DOptions, "Pool2DOptions"),
    "mul": (18, 2, 21, MulOptions, "MulOptions"), "pad": (34, 2, 22, PadOptions, "PadOptions"), "mean": (40, 2, 27, ReducerOptions, "ReducerOptions"),
    "split": (49, 2, 35, SplitOptions, "SplitOptions"), "transpose_conv": (67, 3, 49, TransposeConvOptions, "TransposeConvOptions"),
    "resize": (97, 2, 74, ResizeNearestNeighborOptions, "ResizeNearestNeighborOptions"), "hard_swish": (117, 1, 91, HardSwishOptions, "HardSwishOptions"),
}


class Net:
    """Tensors, operators and buffers in the order of making; every method that makes an operator gives its output's number."""

    def __init__(self):
        self.random = np.random.default_rng(0)
        self.tensors, self.buffers, self.ops, self.inputs, self.outputs, self.macs = [], [b""], [], [], [], 0

    def tensor(self, shape, kind=INT8, data=None, scale=(0.05,), zero=-3, axis=0):
        if data is not None:
            self.buffers.append(data.tobytes())
        self.tensors.append((list(shape), kind, len(self.buffers) - 1 if data is not None else 0, scale, zero, axis))
        return len(self.tensors) - 1

    def whole(self, *numbers):
        data = np.array(numbers, np.int32)
        return self.tensor(data.shape, INT32, data, None)

    def shape(self, x):
        return list(self.tensors[x][0])

    def apply(self, kind, inputs, shapes, **options):
        out = [self.tensor(s) for s in shapes]
        self.ops.append((kind, inputs, out, options))
        return out

    def input(self, shape):
        self.inputs.append(self.tensor(shape, scale=(1 / 255,), zero=-128))
        return self.inputs[0]

    def keep_scale(self, x, y):
        self.tensors[y] = self.tensors[y][:3] + self.tensors[x][3:5] + (0,)
        return y

    def pad(self, x, before, after):
        n, h, w, c = self.shape(x)
        sides = np.array([[0, 0], [before, after], [before, after], [0, 0]], np.int32)
        return self.keep_scale(x, self.apply("pad", [x, self.tensor((4, 2), INT32, sides, None)], [[n, h + before + after, w + before + after, c]])[0])

    def conv(self, x, out, kernel=1, stride=1, act=NONE, depthwise=False, swish=None, padded=False):
        """PyTorch's padding (kernel // 2 on all sides), as SAME where that is the same."""
        source = x
        same = stride == 1 and not padded
        if not same and not padded and kernel > stride:
            x = self.pad(x, kernel // 2, kernel // 2)
        n, h, w, c = self.shape(x)
        oh, ow = (h, w) if same else ((h - kernel) // stride + 1, (w - kernel) // stride + 1)
        out = c if depthwise else out
        shape = (1, kernel, kernel, c) if depthwise else (out, kernel, kernel, c)
        scales = self.random.uniform(0.001, 0.01, out).astype(np.float32)
        weights = self.tensor(shape, INT8, self.random.normal(0, 30, shape).clip(-127, 127).astype(np.int8), scales, 0, 3 if depthwise else 0)
        bias = self.tensor((out,), INT32, self.random.integers(-500, 500, out).astype(np.int32), (scales * self.tensors[source][3][0]).astype(np.float32), 0)
        y, = self.apply("depthwise" if depthwise else "conv", [x, weights, bias], [[n, oh, ow, out]], Padding=SAME if same else VALID, StrideW=stride, StrideH=stride, FusedActivationFunction=act,
                        DilationWFactor=1, DilationHFactor=1, **({"DepthMultiplier": 1} if depthwise else {}))
        self.macs += oh * ow * out * kernel * kernel * (1 if depthwise else c)
        if swish == "hard":
            y, = self.apply("hard_swish", [y], [self.shape(y)])
        elif swish == "silu":
            gate, = self.apply("logistic", [y], [self.shape(y)])
            self.tensors[gate] = self.tensors[gate][:3] + ((1 / 256,), -128, 0)
            y = self.mul(y, gate)
        return y

    def add(self, a, b):
        return self.apply("add", [a, b], [self.shape(a)])[0]

    def mul(self, a, b):
        return self.apply("mul", [a, b], [self.shape(a)])[0]

    def mean(self, x):
        return self.apply("mean", [x, self.whole(1, 2)], [[1, 1, 1, self.shape(x)[3]]], KeepDims=True)[0]

    def concat(self, parts):
        shape = self.shape(parts[0])
        shape[3] = sum(self.shape(p)[3] for p in parts)
        return self.apply("concat", parts, [shape], Axis=3)[0]

    def split(self, x):
        shape = self.shape(x)
        shape[3] //= 2
        axis = self.tensor((), INT32, np.array(3, np.int32), None)
        return self.apply("split", [axis, x], [shape, list(shape)], NumSplits=2)

    def max_pool(self, x, size):
        return self.apply("max_pool", [x], [self.shape(x)], Padding=SAME, StrideW=1, StrideH=1, FilterWidth=size, FilterHeight=size)[0]

    def enlarge(self, x):
        n, h, w, c = self.shape(x)
        return self.apply("resize", [x, self.whole(2 * h, 2 * w)], [[n, 2 * h, 2 * w, c]])[0]

    def transpose_conv(self, x, out):
        n, h, w, c = self.shape(x)
        scales = self.random.uniform(0.001, 0.01, out).astype(np.float32)
        weights = self.tensor((out, 2, 2, c), INT8, self.random.normal(0, 30, (out, 2, 2, c)).clip(-127, 127).astype(np.int8), scales, 0)
        bias = self.tensor((out,), INT32, np.zeros(out, np.int32), (scales * 0.05).astype(np.float32), 0)
        self.macs += 4 * h * w * c * out
        return self.apply("transpose_conv", [self.whole(n, 2 * h, 2 * w, out), weights, x, bias], [[n, 2 * h, 2 * w, out]], Padding=VALID, StrideW=2, StrideH=2)[0]

    def write(self, path):
        b = flatbuffers.Builder(1 << 20)

        def numbers(values):
            return b.CreateNumpyVector(np.array(values, np.int32))

        def offsets(start, values):
            start(b, len(values))
            for v in reversed(values):
                b.PrependUOffsetTRelative(v)
            return b.EndVector()

        def table(module, name, **fields):
            getattr(module, name + "Start")(b)
            for key, value in fields.items():
                if value is not None:
                    getattr(module, name + "Add" + key)(b, value)
            return getattr(module, name + "End")(b)

        buffers = []
        for data in self.buffers:
            buffers.append(table(Buffer, "Buffer", Data=b.CreateByteVector(data) if data else None))
        tensors = []
        for i, (shape, kind, buffer, scale, zero, axis) in enumerate(self.tensors):
            quantisation = None
            if scale is not None:
                scales, zeros = b.CreateNumpyVector(np.array(scale, np.float32)), b.CreateNumpyVector(np.full(len(scale), zero, np.int64))
                quantisation = table(QuantizationParameters, "QuantizationParameters", Scale=scales, ZeroPoint=zeros, QuantizedDimension=axis)
            tensors.append(table(Tensor, "Tensor", Shape=numbers(shape), Type=kind, Buffer=buffer, Name=b.CreateString("t%d" % i), Quantization=quantisation))
        used = sorted({op[0] for op in self.ops})
        codes = [table(OperatorCode, "OperatorCode", DeprecatedBuiltinCode=min(KINDS[k][0], 127), Version=KINDS[k][1], BuiltinCode=KINDS[k][0]) for k in used]
        ops = []
        for kind, inputs, outputs, fields in self.ops:
            options = table(KINDS[kind][3], KINDS[kind][4], **fields) if KINDS[kind][3] else None
            ops.append(table(Operator, "Operator", OpcodeIndex=used.index(kind), Inputs=numbers(inputs), Outputs=numbers(outputs), BuiltinOptionsType=KINDS[kind][2] if options else None,
                             BuiltinOptions=options))
        graph = table(SubGraph, "SubGraph", Tensors=offsets(SubGraph.SubGraphStartTensorsVector, tensors), Inputs=numbers(self.inputs), Outputs=numbers(self.outputs),
                      Operators=offsets(SubGraph.SubGraphStartOperatorsVector, ops))
        model = table(Model, "Model", Version=3, OperatorCodes=offsets(Model.ModelStartOperatorCodesVector, codes), Subgraphs=offsets(Model.ModelStartSubgraphsVector, [graph]),
                      Buffers=offsets(Model.ModelStartBuffersVector, buffers))
        b.Finish(model, b"TFL3")
        with open(path, "wb") as f:
            f.write(b.Output())


def stem(net, side, out, act, swish, s2d):
    if not s2d:
        return net.conv(net.input([1, side, side, 3]), out, 3, 2, act, swish=swish)
    x = net.pad(net.input([1, side // 2, side // 2, 12]), 1, 0)  # the row and column in front are what PyTorch's padding of 1 leaves
    return net.conv(x, out, 2, 1, act, swish=swish, padded=True)


def mobilenet_v3_small(side=224, swish="hard", squeeze=True, minimal=False, s2d=False):
    """swish: "hard", or None for ReLU6. Squeeze and excitation as the exporter writes it: mean, 1x1 and ReLU, 1x1 and ReLU6, product."""
    net = Net()
    act = NONE if swish else RELU6
    if minimal:
        act, swish, squeeze = RELU, None, False
    x = stem(net, side, 16, act, swish, s2d)
    rows = [(3, 16, 16, True, "relu", 2), (3, 72, 24, False, "relu", 2), (3, 88, 24, False, "relu", 1), (5, 96, 40, True, "swish", 2), (5, 240, 40, True, "swish", 1), (5, 240, 40, True, "swish", 1),
            (5, 120, 48, True, "swish", 1), (5, 144, 48, True, "swish", 1), (5, 288, 96, True, "swish", 2), (5, 576, 96, True, "swish", 1), (5, 576, 96, True, "swish", 1)]
    for kernel, wide, out, squeezed, kind, stride in rows:
        source = x
        a, s = (RELU, None) if kind == "relu" else (act, swish)
        if wide != net.shape(x)[3]:
            x = net.conv(x, wide, 1, 1, a, swish=s)
        x = net.conv(x, wide, 3 if minimal else kernel, stride, a, depthwise=True, swish=s)
        if squeeze and squeezed:
            gate = net.conv(net.mean(x), max(8, (wide // 4 + 4) // 8 * 8), 1, 1, RELU)
            x = net.mul(x, net.conv(gate, wide, 1, 1, RELU6))
        x = net.conv(x, out)
        if stride == 1 and net.shape(source)[3] == out:
            x = net.add(x, source)
    x = net.mean(net.conv(x, 576, 1, 1, act, swish=swish))
    net.outputs = [net.conv(net.conv(x, 1024, 1, 1, act, swish=swish), 3)]
    return net


def yolov8n(side=320, swish="hard", masks=True, s2d=False):
    net = Net()
    act, swish = (RELU6, None) if swish == "relu6" else (NONE, swish)

    def conv(x, out, kernel=1, stride=1):
        return net.conv(x, out, kernel, stride, act, swish=swish)

    def c2f(x, out, repeats, shortcut):
        parts = list(net.split(conv(x, out)))
        for _ in range(repeats):
            y = conv(conv(parts[-1], out // 2, 3), out // 2, 3)
            parts.append(net.add(y, parts[-1]) if shortcut else y)
        return conv(net.concat(parts), out)

    x = c2f(conv(stem(net, side, 16, act, swish, s2d), 32, 3, 2), 32, 1, True)
    p3 = c2f(conv(x, 64, 3, 2), 64, 2, True)
    p4 = c2f(conv(p3, 128, 3, 2), 128, 2, True)
    x = c2f(conv(p4, 256, 3, 2), 256, 1, True)
    parts = [conv(x, 128)]
    for _ in range(3):
        parts.append(net.max_pool(parts[-1], 5))
    p5 = conv(net.concat(parts), 256)
    middle = c2f(net.concat([net.enlarge(p5), p4]), 128, 1, False)
    n3 = c2f(net.concat([net.enlarge(middle), p3]), 64, 1, False)
    n4 = c2f(net.concat([conv(n3, 64, 3, 2), middle]), 128, 1, False)
    n5 = c2f(net.concat([conv(n4, 128, 3, 2), p5]), 256, 1, False)
    for level in (n3, n4, n5):
        net.outputs.append(net.conv(conv(conv(level, 64, 3), 64, 3), 64))
        net.outputs.append(net.conv(conv(conv(level, 64, 3), 64, 3), 1))
        if masks:
            net.outputs.append(net.conv(conv(conv(level, 32, 3), 32, 3), 32))
    if masks:
        net.outputs.append(conv(conv(net.transpose_conv(conv(n3, 64, 3), 64), 64, 3), 32))
    return net


def efficientnet_lite0(side=224, s2d=False):
    net = Net()
    x = stem(net, side, 32, RELU6, None, s2d)
    for repeats, kernel, stride, expand, out in [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]:
        for i in range(repeats):
            source, step = x, stride if i == 0 else 1
            if expand != 1:
                x = net.conv(x, net.shape(x)[3] * expand, 1, 1, RELU6)
            x = net.conv(net.conv(x, 0, kernel, step, RELU6, depthwise=True), out)
            if step == 1 and net.shape(source)[3] == out:
                x = net.add(x, source)
    net.outputs = [net.conv(net.mean(net.conv(x, 1280, 1, 1, RELU6)), 256)]
    return net


def convnext_tiny(side=224):
    """convnext_tiny_npu: batch norms are folded, hard-swish for GELU; the 4x4/4 stem as a 1x1 convolution of [side/4, side/4, 48]."""
    net = Net()
    x = net.conv(net.input([1, side // 4, side // 4, 48]), 96)
    for width, depth in ((96, 3), (192, 3), (384, 9), (768, 3)):
        if width != 96:
            x = net.conv(x, width, 2, 2)
        for _ in range(depth):
            x = net.add(net.conv(net.conv(net.conv(x, 0, 7, 1, depthwise=True), 4 * width, swish="hard"), width), x)
    net.outputs = [net.conv(net.mean(x), 256)]
    return net


NETWORKS = {
    "sift-hard-swish-SE": (224, lambda: mobilenet_v3_small()), "sift-hard-swish-SE-s2d": (224, lambda: mobilenet_v3_small(s2d=True)),
    "sift-hard-swish-SE-192": (192, lambda: mobilenet_v3_small(192)), "sift-hard-swish-SE-s2d-192": (192, lambda: mobilenet_v3_small(192, s2d=True)),
    "sift-relu6-SE": (224, lambda: mobilenet_v3_small(swish=None)), "sift-relu6-SE-s2d": (224, lambda: mobilenet_v3_small(swish=None, s2d=True)),
    "sift-hard-swish": (224, lambda: mobilenet_v3_small(squeeze=False)), "sift-minimalistic": (224, lambda: mobilenet_v3_small(minimal=True)),
    "sift-minimalistic-s2d": (224, lambda: mobilenet_v3_small(minimal=True, s2d=True)),
    "find-silu": (320, lambda: yolov8n(swish="silu")), "find-hard-swish": (320, lambda: yolov8n()), "find-relu6": (320, lambda: yolov8n(swish="relu6")),
    "find-hard-swish-s2d": (320, lambda: yolov8n(s2d=True)), "find-hard-swish-boxes": (320, lambda: yolov8n(masks=False)), "find-hard-swish-640": (640, lambda: yolov8n(640)),
    "embed-lite0": (224, lambda: efficientnet_lite0()), "embed-lite0-s2d": (224, lambda: efficientnet_lite0(s2d=True)), "embed-convnext": (224, lambda: convnext_tiny()),
}


def main():
    folder, wanted = sys.argv[1], sys.argv[2:] or list(NETWORKS)
    os.makedirs(folder, exist_ok=True)
    for name in wanted:
        side, build = NETWORKS[name]
        net = build()
        path = os.path.join(folder, name + ".tflite")
        net.write(path)
        print("%s\t%s\t%s\t%d\t%d" % (path, name.split("-")[0], name.split("-", 1)[1], side, net.macs))


main()

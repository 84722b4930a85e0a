"""Makes tests/fixtures/weights: tiny weight files of every kind that src/nn reads, and hostile ones; and from them the fuzz corpora.

Run with Debian's python3 (torch 1.13, numpy) from the project folder:  /usr/bin/python3 tools/golden/weights_fixtures.py
The raw .pth have addresses in them, so they change with every run, and their content does not.
The values of tensor number t are v[i] = t + i / 8 (exact in half precision for the sizes used here), so the tests need no golden numbers.
"""
import collections
import io
import json
import os
import pickle
import shutil
import struct
import zipfile

import numpy as np
import torch

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "fixtures", "weights")


def values(number, *shape):
    n = int(np.prod(shape))
    return torch.arange(n, dtype=torch.float32).reshape(shape) / 8 + number


def plain():
    state = collections.OrderedDict()
    state["conv.weight"] = values(1, 2, 3, 3, 3)
    state["conv.bias"] = values(2, 2)
    state["fc.weight"] = values(3, 4, 2)
    state["bn.num_batches_tracked"] = torch.tensor(7)
    return state


def types():
    return {
        "half": values(1, 5).half(),
        "bfloat16": values(2, 4).bfloat16(),
        "double": values(3, 3).double(),
        "int8": torch.tensor([-128, 0, 127], dtype=torch.int8),
        "uint8": torch.tensor([0, 255], dtype=torch.uint8),
        "int16": torch.tensor([-300, 300], dtype=torch.int16),
        "int32": torch.tensor([-70000, 70000], dtype=torch.int32),
        "int64": torch.tensor([-5000000000, 5000000000]),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(0.5),
        "empty": torch.zeros(0, 3),
    }


def views():
    base = values(1, 4, 6)
    return {
        "transposed": base.t(),                      # [6,4]
        "columns": base[:, 1:4],                     # [4,3], offset 1
        "every_second": base[::2, ::2],              # [2,3]
        "channels_last": values(2, 2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
        "parameter": torch.nn.Parameter(values(3, 2, 2).t()),
    }


def nested():
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2))
    state = collections.OrderedDict((("module." + k), values(i, *v.shape) if v.dim() else v) for i, (k, v) in enumerate(model.state_dict().items()))
    return {"epoch": 3, "best": 0.75, "arch": "tiny", "flags": (True, None), "state_dict": state, "optimizer": {"state": {0: {"momentum": values(9, 2)}}}}


def mixed():
    return [values(1, 2), {"a": values(2, 1), 5: (values(3, 3),)}]


def save(name, obj, zipped):
    torch.save(obj, os.path.join(OUT, name), _use_new_zipfile_serialization=zipped)


def safetensors(name, entries, data, metadata=None, header=None, length=None):
    """entries: name -> (dtype, shape, begin, end)."""
    if header is None:
        root = {}
        if metadata is not None:
            root["__metadata__"] = metadata
        for k, (dtype, shape, begin, end) in entries.items():
            root[k] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
        header = json.dumps(root)
    header = header.encode()
    header += b" " * (-len(header) % 8)
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(struct.pack("<Q", len(header) if length is None else length) + header + data)


def good_safetensors():
    a = values(1, 2, 3).numpy()
    b = values(2, 4).numpy().astype(np.float16)
    c = np.array([-2, 3], dtype=np.int64)
    d = (values(3, 2).numpy().view(np.uint32) >> 16).astype(np.uint16)
    e = np.array([1.5], dtype=np.float64)
    blobs = [("b", "F16", b), ("a", "F32", a), ("counter", "I64", c), ("brain", "BF16", d), ("double", "F64", e)]
    entries, data = {}, b""
    for name, dtype, array in blobs:
        entries[name] = (dtype, list(array.shape), len(data), len(data) + array.nbytes)
        data += array.tobytes()
    entries["none"] = ("F32", [0, 4], len(data), len(data))
    safetensors("good.safetensors", entries, data, {"arch": "tiny", "note": "caf\u00e9 \"quoted\"\n"})


def bad_safetensors():
    f4 = b"\0" * 16
    one = ("F32", [4], 0, 16)
    safetensors("bad_length.safetensors", {"a": one}, f4, length=1 << 62)
    safetensors("bad_short.safetensors", {"a": one}, b"", length=4000)
    safetensors("bad_overlap.safetensors", {"a": ("F32", [4], 0, 16), "b": ("F32", [3], 4, 16)}, f4)
    safetensors("bad_gap.safetensors", {"a": ("F32", [2], 0, 8), "b": ("F32", [1], 12, 16)}, f4)
    safetensors("bad_tail.safetensors", {"a": ("F32", [2], 0, 8)}, f4)
    safetensors("bad_outside.safetensors", {"a": ("F32", [5], 0, 20)}, f4)
    safetensors("bad_reversed.safetensors", {"a": ("F32", [4], 16, 0)}, f4)
    safetensors("bad_negative.safetensors", {"a": ("F32", [-4], 0, 16)}, f4)
    safetensors("bad_product.safetensors", {"a": ("F32", [1 << 40, 1 << 40], 0, 16)}, f4)
    safetensors("bad_shape.safetensors", {"a": ("F32", [5], 0, 16)}, f4)
    safetensors("bad_type.safetensors", {"a": ("F4", [4], 0, 16)}, f4)
    safetensors("bad_rank.safetensors", {"a": ("F32", [1] * 9 + [4], 0, 16)}, f4)
    safetensors("bad_json.safetensors", {}, f4, header='{"a": ')
    safetensors("bad_metadata.safetensors", {"a": one}, f4, metadata={"n": 5})
    safetensors("bad_twice.safetensors", {}, f4, header='{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}')


class Evil:
    def __init__(self, call):
        self.call = call

    def __reduce__(self):
        return self.call


def zip_of(name, stream, storages, method=zipfile.ZIP_STORED, prefix="archive/"):
    with zipfile.ZipFile(os.path.join(OUT, name), "w", method) as z:
        def put(entry, data):
            info = zipfile.ZipInfo(prefix + entry, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            z.writestr(info, data)
        put("data.pkl", stream)
        for key, data in storages.items():
            put("data/" + key, data)
        put("version", "3\n")


def tensor_stream(sizes, strides, offset=0, count=4, key=b"0", module=b"torch._utils", function=b"_rebuild_tensor_v2"):
    """A pickle of {"a": tensor} written by hand, so that it can lie."""
    def integer(x):
        return b"\x8a\x08" + struct.pack("<q", x)

    def text(s):
        return b"X" + struct.pack("<I", len(s)) + s

    def tuple_of(items):
        return b"(" + b"".join(items) + b"t"
    storage = b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(key) + text(b"cpu") + integer(count) + b"tQ"
    args = b"(" + storage + integer(offset) + tuple_of(map(integer, sizes)) + tuple_of(map(integer, strides)) + b"\x89" + b"ccollections\nOrderedDict\n)R" + b"t"
    return b"\x80\x02}" + text(b"a") + b"c" + module + b"\n" + function + b"\n" + args + b"Rs."


def bad_pth():
    four = {"0": b"\0" * 16}
    zip_of("bad_system.pth", pickle.dumps({"a": Evil((os.system, ("echo executed > executed-by-a-pickle",)))}, 2), {})
    zip_of("bad_eval.pth", pickle.dumps({"a": Evil((eval, ("1+1",)))}, 4), {})
    zip_of("bad_negative.pth", tensor_stream([-4], [1]), four)
    zip_of("bad_stride.pth", tensor_stream([4], [-1], 3), four)
    zip_of("bad_beyond.pth", tensor_stream([4], [2]), four)
    zip_of("bad_offset.pth", tensor_stream([4], [1], 1), four)
    zip_of("bad_product.pth", tensor_stream([1 << 33, 1 << 33], [0, 0]), four)
    zip_of("bad_broadcast.pth", tensor_stream([1000, 4], [0, 1]), four)
    zip_of("bad_count.pth", tensor_stream([8], [1], 0, 8), four)
    zip_of("bad_storage.pth", tensor_stream([4], [1], key=b"7"), four)
    zip_of("bad_path.pth", tensor_stream([4], [1], key=b"../../etc"), four)
    zip_of("bad_compressed.pth", tensor_stream([4], [1]), four, zipfile.ZIP_DEFLATED)
    zip_of("bad_unfinished.pth", tensor_stream([4], [1])[:-2], four)
    zip_of("bad_empty.pth", b"\x80\x02}.", {})
    stream = b"\x80\x02}"                      # each dictionary holds the one before it ten times
    for level in range(12):
        stream += b"q" + bytes([level]) + b"}(" + b"".join(b"K" + bytes([k]) + b"h" + bytes([level]) for k in range(10)) + b"u"
    zip_of("bad_laughs.pth", stream + b".", {})
    zip_of("bad_cycle.pth", b"\x80\x02]q\x00h\x00a.", {})
    with zipfile.ZipFile(os.path.join(OUT, "bad_other.zip"), "w") as z:
        z.writestr(zipfile.ZipInfo("readme.txt", (1980, 1, 1, 0, 0, 0)), "no weights here")
    buffer = io.BytesIO()
    torch.save({"a": values(1, 4)}, buffer, _use_new_zipfile_serialization=False)
    with open(os.path.join(OUT, "bad_truncated.pth"), "wb") as f:
        f.write(buffer.getvalue()[:-3])


class FlatBuilder:
    """Just enough of FlatBuffers, written front to back: every table first, its vectors and tables behind it."""

    def __init__(self):
        self.out = bytearray(b"\0\0\0\0TFL3")

    def align(self, n=4):
        self.out += b"\0" * (-len(self.out) % n)
        return len(self.out)

    def point(self, at, target):
        struct.pack_into("<I", self.out, at, target - at)

    def table(self, fields):
        """fields: list of None, ("i32", x), ("i8", x) or a function that writes what the offset refers to and returns its position."""
        vtable = self.align()
        self.out += b"\0" * (4 + 2 * len(fields))
        table = self.align()
        self.out += struct.pack("<i", table - vtable) + b"\0" * (4 * len(fields))
        struct.pack_into("<HH", self.out, vtable, 4 + 2 * len(fields), 4 + 4 * len(fields))
        for i, f in enumerate(fields):
            if f is None:
                continue
            at = table + 4 + 4 * i
            struct.pack_into("<H", self.out, vtable + 4 + 2 * i, 4 + 4 * i)
            if callable(f):
                self.point(at, f())
            elif f[0] == "i32":
                struct.pack_into("<i", self.out, at, f[1])
            else:
                struct.pack_into("<b", self.out, at, f[1])
        return table

    def vector(self, data, count):
        def write():
            at = self.align()
            self.out += struct.pack("<I", count) + data
            return at
        return write

    def text(self, s):
        return self.vector(s.encode(), len(s.encode()))

    def ints(self, values_):
        return self.vector(struct.pack("<%di" % len(values_), *values_), len(values_))

    def tables(self, writers):
        def write():
            at = self.align()
            self.out += struct.pack("<I", len(writers)) + b"\0" * (4 * len(writers))
            for i, w in enumerate(writers):
                self.point(at + 4 + 4 * i, w())
            return at
        return write


def tiny_tflite(name, weight_shape=(2, 3, 3, 1), input_of_op=1, weight_bytes=None, activation=0):
    """input [1,4,4,1] -> conv 3x3/2 SAME -> [1,2,2,2] -> hard-swish."""
    b = FlatBuilder()
    weight = values(1, 2, 3, 3, 1).numpy().tobytes() if weight_bytes is None else weight_bytes
    bias = values(2, 2).numpy().tobytes()

    def tensor(shape, buffer, label):
        return lambda: b.table([b.ints(shape), ("i8", 0), ("i32", buffer), b.text(label)])

    def buffer(data):
        return lambda: b.table([b.vector(data, len(data)) if data else None])

    def conv():
        return b.table([("i8", 0), ("i32", 2), ("i32", 2), ("i8", activation), ("i32", 1), ("i32", 1)])

    def op(code, inputs, outputs, kind=0, options=None):
        return lambda: b.table([("i32", code), b.ints(inputs), b.ints(outputs), ("i8", kind), options])
    root = b.table([
        ("i32", 3),
        b.tables([lambda: b.table([("i8", 3), None, ("i32", 1), ("i32", 3)]), lambda: b.table([("i8", 117), None, ("i32", 1), ("i32", 117)])]),
        b.tables([lambda: b.table([
            b.tables([tensor([1, 4, 4, 1], 0, "input"), tensor(list(weight_shape), 1, "conv/weight"), tensor([2], 2, "conv/bias"),
                      tensor([1, 2, 2, 2], 0, "conv/out"), tensor([1, 2, 2, 2], 0, "out")]),
            b.ints([0]), b.ints([4]),
            b.tables([op(0, [0, input_of_op, 2], [3], 1, conv), op(1, [3], [4])]),
        ])]),
        b.text("written by tools/golden/weights_fixtures.py"),
        b.tables([buffer(b""), buffer(weight), buffer(bias)]),
    ])
    struct.pack_into("<I", b.out, 0, root)
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(b.out)


def main():
    os.makedirs(OUT, exist_ok=True)
    for name, make in (("plain", plain), ("types", types), ("views", views), ("nested", nested), ("mixed", mixed)):
        save(name + "_zip.pth", make(), True)
        save(name + "_raw.pth", make(), False)
    torch.save(plain(), os.path.join(OUT, "plain_protocol4.pth"), pickle_protocol=4)
    good_safetensors()
    bad_safetensors()
    bad_pth()
    tiny_tflite("tiny.tflite")
    tiny_tflite("relu6.tflite", activation=3)
    tiny_tflite("bad_negative.tflite", weight_shape=(2, 3, -3, 1))
    tiny_tflite("bad_product.tflite", weight_shape=(1 << 30, 1 << 30, 1 << 30, 1))
    tiny_tflite("bad_data.tflite", weight_bytes=b"\0" * 20)
    tiny_tflite("bad_index.tflite", input_of_op=99)
    corpus = os.path.join(OUT, "..", "..", "fuzz", "corpus")
    for parser, endings in (("safetensors", (".safetensors",)), ("pth", (".pth",)), ("tflite", (".tflite",))):
        os.makedirs(os.path.join(corpus, parser), exist_ok=True)
        for name in sorted(os.listdir(OUT)):
            if name.endswith(endings):
                shutil.copy(os.path.join(OUT, name), os.path.join(corpus, parser, name))


main()

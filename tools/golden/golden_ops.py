#!/usr/bin/python3
"""Golden tensors of every operation, from PyTorch in double, for tests/backend/test_ops_ref.c.

    /usr/bin/python3 tools/golden/golden_ops.py tests/golden/ops.gold

A line of CASES for each case of tests/backend/op_cases.c that is not `wide`, under the same name. Inputs, parameters and the gradient of the output are random
numbers that are exact in float32. Masks come from our own generator, written here a second time from the definitions in src/base/random.h and src/compute/ref.h.
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F

import golden_file

SEED, SALT = 20240601, 7
MASK64 = (1 << 64) - 1


def exact(x):
    return float(np.float32(x))


# --- our random numbers ---------------------------------------------------------------------------------------------------------------
def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK64
    return x ^ (x >> 31)


def units(seed, stream, count):
    """xoshiro256**, seeded as urs_random_init_stream; numbers in [0, 1)."""
    seed = mix(seed) ^ mix(stream ^ 0x5851F42D4C957F2D)
    s = [mix((seed + i * 0x9E3779B97F4A7C15) & MASK64) for i in range(4)]

    def rotate(x, k):
        return ((x << k) | (x >> (64 - k))) & MASK64

    out = []
    for _ in range(count):
        out.append(((rotate((s[1] * 5) & MASK64, 7) * 9) & MASK64) >> 11)
        t = (s[1] << 17) & MASK64
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)
    return np.array(out, dtype=np.float64) * 2.0 ** -53


def drop(x, p, rows):
    """Dropout of elements, or of whole samples."""
    p = exact(p)
    n = x.shape[0] if rows else x.numel()
    kept = torch.from_numpy((units(SEED, SALT, n) >= p).astype(np.float64))
    kept = kept.view(-1, 1, 1, 1) if rows else kept.view(x.shape)
    return x * kept / (1.0 - p)


# --- operations -----------------------------------------------------------------------------------------------------------------------
ACTIVATIONS = {
    "none": lambda x: x * 1.0,
    "relu": F.relu,
    "relu6": F.relu6,
    "hard_swish": F.hardswish,
    # Not F.hardsigmoid: its gradient in double is 1/6 rounded to float.
    "hard_sigmoid": lambda x: F.relu6(x + 3.0) / 6.0,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "gelu": F.gelu,
}


def conv(k, s=1, pad=(0, 0, 0, 0), groups=1, activation="none", residual=False):
    """pad: top, left, bottom, right."""
    def run(ins, params):
        x = F.pad(ins[0], (pad[1], pad[3], pad[0], pad[2]))
        y = ACTIVATIONS[activation](F.conv2d(x, params[0], params[1] if len(params) > 1 else None, s, 0, 1, groups))
        return y + ins[1] if residual else y
    return run


def conv_transpose(s, pad, groups=1):
    def run(ins, params):
        return F.conv_transpose2d(ins[0], params[0], params[1] if len(params) > 1 else None, s, pad, 0, groups)
    return run


def linear(activation="none"):
    def run(ins, params):
        y = F.linear(ins[0].permute(0, 2, 3, 1), params[0], params[1] if len(params) > 1 else None)
        return ACTIVATIONS[activation](y.permute(0, 3, 1, 2))
    return run


def batch_norm(training, activation="none"):
    def run(ins, params):
        y = F.batch_norm(ins[0], params[2].detach().clone(), params[3].detach().clone(), params[0], params[1], training, 0.03, exact(1e-3))
        return ACTIVATIONS[activation](y)
    return run


def layer_norm(eps):
    def run(ins, params):
        y = F.layer_norm(ins[0].permute(0, 2, 3, 1), (ins[0].shape[1],), params[0], params[1], exact(eps))
        return y.permute(0, 3, 1, 2)
    return run


def activation(name):
    return lambda ins, params: ACTIVATIONS[name](ins[0])


def max_pool(k, s, p):
    return lambda ins, params: F.max_pool2d(ins[0], k, s, p)


def avg_pool(k, s, p):
    return lambda ins, params: F.avg_pool2d(ins[0], k, s, p, count_include_pad=False)


def resize(mode, h, w):
    if mode == "nearest":
        return lambda ins, params: F.interpolate(ins[0], (h, w), mode="nearest")
    return lambda ins, params: F.interpolate(ins[0], (h, w), mode="bilinear", align_corners=False)


def fake_quant(ins, params):
    """Off where the step is not above 0."""
    if params[0].item() <= 0:
        return ins[0] + 0.0 * params[0] + 0.0 * params[1].sum()
    return torch.fake_quantize_per_tensor_affine(ins[0].float(), params[0].item(), int(params[1][0].item()), -128, 127).double()
def attention(heads, window=0, shift=0, head_major=False, position=None):
    """Written down pair by pair of pixels, unlike the kernels: one full matrix over the map in which pairs that may not meet are cut out."""
    def run(ins, params):
        n, _, h, w = ins[0].shape
        if len(ins) == 1:
            d = ins[0].shape[1] // 3
            x = ins[0].flatten(2)
            x = x.view(n, heads, 3, d // heads, -1).transpose(1, 2) if head_major else x.view(n, 3, heads, d // heads, -1)
            q, k, v = x[:, 0], x[:, 1], x[:, 2]
        else:
            d = ins[0].shape[1]
            q, k, v = [x.flatten(2).view(n, heads, d // heads, -1) for x in ins]
        dim = d // heads
        logits = q.transpose(2, 3) @ k / dim ** 0.5
        if len(ins) == 1:
            s = window or w
            ys, xs = [a.flatten() for a in torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")]
            rolled_y, rolled_x = (ys - shift) % h, (xs - shift) % w
            if window:
                cell = (rolled_y // s) * (w // s) + rolled_x // s
                logits = logits.masked_fill(cell[:, None] != cell[None, :], float("-inf"))
            if shift:
                def part(a, size):
                    return (a >= size - s).long() + (a >= size - shift).long()
                region = part(rolled_y, h) * 3 + part(rolled_x, w)
                logits = logits + torch.where(region[:, None] != region[None, :], -100.0, 0.0)
            dy = (rolled_y % s)[:, None] - (rolled_y % s)[None, :]
            dx = (rolled_x % s)[:, None] - (rolled_x % s)[None, :]
            if position == "table":
                logits = logits + params[0][(dy + s - 1) * (2 * s - 1) + dx + s - 1].permute(2, 0, 1)
            elif position == "distance":
                logits = logits + params[0][:, dy.abs() * s + dx.abs()]
            elif position == "query":
                logits = logits + torch.einsum("nhdq,qkd->nhqk", q, params[0][dy + s - 1] + params[1][dx + s - 1])
        return (torch.softmax(logits, -1) @ v.transpose(2, 3)).transpose(2, 3).reshape(n, d, h, w)
    return run


def merge(ins, params):
    x = ins[0]
    return torch.cat([x[:, :, 0::2, 0::2], x[:, :, 1::2, 0::2], x[:, :, 0::2, 1::2], x[:, :, 1::2, 1::2]], 1)


def same(p):
    return (p, p, p, p)


TRAIN, FROZEN, INFER = "train", "frozen", "infer"
# name: (shapes of inputs, shapes of parameters, function, mode, deviation of the inputs)
CASES = {
    "conv/plain": ([(2, 3, 5, 6)], [(4, 3, 3, 3), (4,)], conv(3, 1, same(1)), TRAIN, 1),
    "conv/stride2": ([(1, 4, 7, 7)], [(6, 4, 3, 3)], conv(3, 2, same(1)), TRAIN, 1),
    "conv/grouped": ([(2, 4, 5, 5)], [(6, 2, 3, 3), (6,)], conv(3, 1, same(1), 2), TRAIN, 1),
    "conv/depthwise": ([(2, 6, 7, 5)], [(6, 1, 5, 5)], conv(5, 2, same(2), 6), TRAIN, 1),
    "conv/depthwise_bias": ([(1, 4, 4, 5)], [(4, 1, 3, 3), (4,)], conv(3, 1, same(1), 4), TRAIN, 1),
    "conv/depthwise_twice": ([(1, 3, 5, 5)], [(6, 1, 3, 3), (6,)], conv(3, 1, same(1), 3), TRAIN, 1),
    "conv/pointwise": ([(2, 5, 4, 3)], [(7, 5, 1, 1), (7,)], conv(1), TRAIN, 1),
    "conv/pointwise_vector": ([(3, 6, 1, 1)], [(4, 6, 1, 1), (4,)], conv(1), TRAIN, 1),
    "conv/pointwise_stride2": ([(1, 3, 5, 5)], [(4, 3, 1, 1)], conv(1, 2), TRAIN, 1),
    "conv/patches": ([(1, 3, 8, 8)], [(4, 3, 4, 4), (4,)], conv(4, 4), TRAIN, 1),
    "conv/tf_padding": ([(1, 3, 6, 6)], [(4, 3, 3, 3)], conv(3, 2, (0, 0, 1, 1)), TRAIN, 1),
    "conv/tf_depthwise": ([(2, 4, 6, 8)], [(4, 1, 5, 5)], conv(5, 2, (1, 1, 2, 2), 4), TRAIN, 1),
    "conv/oblong": ([(2, 2, 6, 5)], [(3, 2, 3, 2), (3,)], conv((3, 2), (2, 1), (1, 0, 0, 1)), TRAIN, 1),
    "conv/fused_residual": ([(2, 4, 5, 5), (2, 4, 5, 5)], [(4, 4, 3, 3), (4,)], conv(3, 1, same(1), 1, "silu", True), INFER, 1),
    "conv/fused_residual_only": ([(1, 6, 3, 4), (1, 4, 3, 4)], [(4, 6, 1, 1), (4,)], conv(1, residual=True), INFER, 1),
    "conv/fused_activation": ([(1, 4, 6, 6)], [(6, 4, 3, 3), (6,)], conv(3, 2, same(1), 1, "hard_swish"), INFER, 1),
    "conv/fused_depthwise": ([(1, 6, 6, 5)], [(6, 1, 3, 3), (6,)], conv(3, 1, same(1), 6, "relu6"), INFER, 1),
    "conv_transpose/twice": ([(1, 4, 3, 4)], [(4, 3, 2, 2), (3,)], conv_transpose(2, 0), TRAIN, 1),
    "conv_transpose/grouped": ([(2, 4, 4, 3)], [(4, 3, 3, 3)], conv_transpose(2, 1, 2), TRAIN, 1),
    "conv_transpose/oblong": ([(1, 2, 4, 4)], [(2, 3, 3, 4), (3,)], conv_transpose((1, 2), (1, 2)), TRAIN, 1),
    "linear/vector": ([(3, 7, 1, 1)], [(5, 7), (5,)], linear(), TRAIN, 1),
    "linear/pixels": ([(2, 4, 3, 3)], [(6, 4)], linear(), TRAIN, 1),
    "linear/fused": ([(3, 4, 1, 1)], [(6, 4), (6,)], linear("relu"), INFER, 1),
    "matmul/plain": ([(2, 3, 4, 5), (2, 3, 5, 6)], [], lambda i, p: torch.matmul(i[0], i[1]), TRAIN, 1),
    "matmul/row": ([(1, 2, 1, 6), (1, 2, 6, 3)], [], lambda i, p: torch.matmul(i[0], i[1]), TRAIN, 1),
    "batch_norm/train": ([(3, 4, 3, 2)], [(4,)] * 4, batch_norm(True), TRAIN, 1),
    "batch_norm/train_relu": ([(3, 3, 3, 2)], [(3,)] * 4, batch_norm(True, "relu"), TRAIN, 1),
    "batch_norm/train_silu": ([(2, 3, 4, 3)], [(3,)] * 4, batch_norm(True, "silu"), TRAIN, 1),
    "batch_norm/train_hard_swish": ([(2, 3, 4, 3)], [(3,)] * 4, batch_norm(True, "hard_swish"), TRAIN, 1),
    "batch_norm/train_vector": ([(5, 4, 1, 1)], [(4,)] * 4, batch_norm(True), TRAIN, 1),
    "batch_norm/frozen": ([(2, 4, 3, 2)], [(4,)] * 4, batch_norm(False), FROZEN, 1),
    "batch_norm/frozen_relu6": ([(2, 3, 3, 2)], [(3,)] * 4, batch_norm(False, "relu6"), FROZEN, 1),
    "batch_norm/infer": ([(1, 4, 3, 2)], [(4,)] * 4, batch_norm(False), INFER, 1),
    "batch_norm/infer_relu": ([(1, 4, 3, 2)], [(4,)] * 4, batch_norm(False, "relu"), INFER, 1),
    "layer_norm/pixels": ([(2, 6, 3, 2)], [(6,)] * 2, layer_norm(1e-6), TRAIN, 1),
    "layer_norm/vector": ([(3, 5, 1, 1)], [(5,)] * 2, layer_norm(1e-3), TRAIN, 1),
    "activation/relu": ([(2, 3, 3, 4)], [], activation("relu"), TRAIN, 4),
    "activation/relu6": ([(2, 3, 3, 4)], [], activation("relu6"), TRAIN, 6),
    "activation/hard_swish": ([(2, 3, 3, 4)], [], activation("hard_swish"), TRAIN, 4),
    "activation/hard_sigmoid": ([(2, 3, 3, 4)], [], activation("hard_sigmoid"), TRAIN, 4),
    "activation/sigmoid": ([(2, 3, 3, 4)], [], activation("sigmoid"), TRAIN, 4),
    "activation/silu": ([(2, 3, 3, 4)], [], activation("silu"), TRAIN, 4),
    "activation/gelu": ([(2, 3, 3, 4)], [], activation("gelu"), TRAIN, 2),
    "activation/none": ([(1, 2, 2, 2)], [], activation("none"), TRAIN, 1),
    "softmax/pixels": ([(2, 5, 3, 2)], [], lambda i, p: torch.softmax(i[0], 1), TRAIN, 2),
    "softmax/vector": ([(3, 7, 1, 1)], [], lambda i, p: torch.softmax(i[0], 1), TRAIN, 5),
    "max_pool/half": ([(2, 3, 7, 6)], [], max_pool(3, 2, 1), TRAIN, 1),
    "max_pool/same": ([(1, 2, 6, 7)], [], max_pool(5, 1, 2), TRAIN, 1),
    "max_pool/tiles": ([(1, 3, 6, 4)], [], max_pool(2, 2, 0), TRAIN, 1),
    "avg_pool/tiles": ([(2, 3, 6, 4)], [], avg_pool(2, 2, 0), TRAIN, 1),
    "avg_pool/half": ([(1, 3, 7, 6)], [], avg_pool(3, 2, 1), TRAIN, 1),
    "global_pool/plain": ([(2, 4, 3, 5)], [], lambda i, p: F.adaptive_avg_pool2d(i[0], 1), TRAIN, 1),
    "resize/nearest_twice": ([(2, 3, 3, 4)], [], resize("nearest", 6, 8), TRAIN, 1),
    "resize/nearest_odd": ([(1, 2, 5, 7)], [], resize("nearest", 7, 3), TRAIN, 1),
    "resize/bilinear_twice": ([(2, 3, 3, 4)], [], resize("bilinear", 6, 8), TRAIN, 1),
    "resize/bilinear_odd": ([(1, 2, 5, 7)], [], resize("bilinear", 8, 4), TRAIN, 1),
    "add/plain": ([(2, 3, 3, 2)] * 2, [], lambda i, p: i[0] + i[1], TRAIN, 1),
    "mul/same": ([(2, 3, 3, 2)] * 2, [], lambda i, p: i[0] * i[1], TRAIN, 1),
    "mul/channels": ([(2, 4, 3, 2), (2, 4, 1, 1)], [], lambda i, p: i[0] * i[1], TRAIN, 1),
    "mul/vectors": ([(2, 5, 1, 1)] * 2, [], lambda i, p: i[0] * i[1], TRAIN, 1),
    "concat/three": ([(2, 3, 2, 3), (2, 1, 2, 3), (2, 4, 2, 3)], [], lambda i, p: torch.cat(i, 1), TRAIN, 1),
    "slice/middle": ([(2, 7, 2, 3)], [], lambda i, p: i[0][:, 2:5] * 1.0, TRAIN, 1),
    "dropout/train": ([(2, 5, 3, 2)], [], lambda i, p: drop(i[0], 0.3, False), TRAIN, 1),
    "dropout/vector": ([(4, 9, 1, 1)], [], lambda i, p: drop(i[0], 0.2, False), TRAIN, 1),
    "dropout/infer": ([(1, 3, 2, 2)], [], lambda i, p: F.dropout(i[0], 0.3, False), INFER, 1),
    "drop_path/train": ([(8, 2, 2, 3)], [], lambda i, p: drop(i[0], 0.4, True), TRAIN, 1),
    "drop_path/infer": ([(2, 2, 2, 2)], [], lambda i, p: F.dropout(i[0], 0.4, False), INFER, 1),
    "l2_norm/vector": ([(3, 6, 1, 1)], [], lambda i, p: F.normalize(i[0], dim=1, eps=exact(1e-12)), TRAIN, 1),
    "l2_norm/pixels": ([(2, 4, 2, 3)], [], lambda i, p: F.normalize(i[0], dim=1, eps=2.0), TRAIN, 1),
    "fake_quant/off": ([(2, 3, 3, 4)], [(1,), (3,)], fake_quant, TRAIN, 1),
    "fake_quant/on": ([(2, 5, 4, 5)], [(1,), (3,)], fake_quant, INFER, 2),
    "attention/plain": ([(2, 12, 2, 3)], [], attention(2), TRAIN, 1),
    "attention/cross": ([(2, 6, 3, 1), (2, 6, 2, 3), (2, 6, 2, 3)], [], attention(2), TRAIN, 1),
    "attention/windows": ([(1, 12, 4, 6)], [(9, 2)], attention(2, 2, position="table"), TRAIN, 1),
    "attention/shifted": ([(2, 6, 6, 6)], [(25, 1)], attention(1, 3, 1, position="table"), TRAIN, 1),
    "attention/distance": ([(1, 12, 3, 6)], [(2, 9)], attention(2, 3, head_major=True, position="distance"), TRAIN, 1),
    "attention/query": ([(1, 12, 3, 6)], [(5, 2), (5, 2)], attention(2, 3, position="query"), TRAIN, 1),
    "attention/query_map": ([(2, 12, 3, 3)], [(5, 2), (5, 2)], attention(2, position="query"), TRAIN, 1),
    "pad/around": ([(2, 3, 3, 2)], [], lambda i, p: F.pad(i[0], (2, 1, 1, 3)), TRAIN, 1),
    "pad/cut": ([(1, 3, 5, 4)], [], lambda i, p: F.pad(i[0], (1, -2, -1, -2)), TRAIN, 1),
    "merge/plain": ([(2, 3, 4, 6)], [], merge, TRAIN, 1),
    "position/plain": ([(2, 3, 2, 4)], [(1, 2, 4, 3)], lambda i, p: i[0] + p[0].permute(0, 3, 1, 2), TRAIN, 1),
    "scale/plain": ([(2, 4, 3, 2)], [(4,)], lambda i, p: i[0] * p[0].view(1, -1, 1, 1), TRAIN, 1),
}


def random(rng, shape, centre=0.0, scale=1.0):
    return torch.from_numpy((centre + scale * rng.standard_normal(shape)).astype(np.float32).astype(np.float64))


def main(path):
    tensors = {}
    for name, (in_shapes, param_shapes, function, mode, scale) in CASES.items():
        rng = np.random.default_rng(list(name.encode()))
        ins = [random(rng, s, 0, scale).requires_grad_() for s in in_shapes]
        gamma = name.split("/")[0] in ("batch_norm", "layer_norm", "scale")
        params = [random(rng, s, 1 if gamma and i == 0 else 0, 0.4) for i, s in enumerate(param_shapes)]
        if len(params) == 4:
            params[3] = (0.5 + params[3].abs()).float().double()
        if name.startswith("fake_quant"):
            params = [torch.tensor([0.0234375 if mode == INFER else -1.0]).double(), torch.tensor([-20.0, 0.0, 0.0]).double()]
        params = [p.requires_grad_() for p in params]
        out = function(ins, params)
        for i, x in enumerate(ins):
            tensors["%s/in%d" % (name, i)] = x.float()
        for i, p in enumerate(params):
            tensors["%s/param%d" % (name, i)] = p.float()
        tensors[name + "/out"] = out
        if mode == INFER:
            continue
        d_out = random(rng, tuple(out.shape))
        tensors[name + "/d_out"] = d_out.float()
        out.backward(d_out)
        for i, x in enumerate(ins):
            tensors["%s/d_in%d" % (name, i)] = x.grad
        for i, p in enumerate(params[:2]):
            tensors["%s/d_param%d" % (name, i)] = p.grad
        if name.startswith("batch_norm") and mode == TRAIN:
            tensors[name + "/d_param2"] = ins[0].mean((0, 2, 3))
            tensors[name + "/d_param3"] = ins[0].var((0, 2, 3), unbiased=True)
        if name.startswith("fake_quant"):
            zero = torch.zeros(1).double()
            tensors[name + "/d_param1"] = torch.stack([zero[0], torch.minimum(ins[0].min(), zero[0]), torch.maximum(ins[0].max(), zero[0])])
    golden_file.write(path, tensors)
    print("%d cases, %d tensors" % (len(CASES), len(tensors)))


if __name__ == "__main__":
    main(sys.argv[1])

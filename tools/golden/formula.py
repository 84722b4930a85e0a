"""Numbers that C and Python make alike; twin of tests/harness/formula.{h,c}, which explains the formulas."""
import numpy as np
import torch

MASK = (1 << 64) - 1


def fnv1a(name):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001B3) & MASK
    return h


def bits(name, count):
    with np.errstate(over="ignore"):
        x = np.uint64(fnv1a(name)) + np.arange(count, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def values(name, shape, low, high):
    """float64 tensor whose values are exact in float32."""
    unit = (bits(name, int(np.prod(shape))) >> np.uint64(11)).astype(np.float64) * 2.0 ** -53
    return torch.from_numpy((low + (high - low) * unit).astype(np.float32).astype(np.float64).reshape(shape))


def parameter(name, shape):
    low, high = -0.1, 0.1
    if name.endswith("layer_scale"):
        low, high = 0.2, 0.6
    elif name.endswith("relative_position_bias_table"):
        low, high = -1.0, 1.0
    elif name.endswith(".bn3.weight"):
        low, high = 0.05, 0.15
    elif name.endswith(".running_var") or (name.endswith(".weight") and len(shape) == 1):
        low, high = 0.5, 1.5
    elif name.endswith(".weight"):
        high = float(np.sqrt(6.0 / (int(np.prod(shape)) // shape[0])))
        low = -high
    return values(name, tuple(shape), low, high)


def fill(model):
    """Sets every parameter and buffer of a torch module."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(parameter(name, tensor.shape))


def digest(name, tensor, samples=12):
    """What golden files keep of a big tensor: [sum, sum of |x|, sum of squares, largest |x|, samples...], float64."""
    flat = tensor.detach().double().reshape(-1).numpy()
    where = (bits(name + "#", samples) % np.uint64(flat.size)).astype(np.int64)
    return np.concatenate([[flat.sum(), np.abs(flat).sum(), (flat * flat).sum(), np.abs(flat).max()], flat[where]])

"""Writer of golden files (format URSGOLD1, described in tests/harness/golden.h)."""
import struct

import numpy as np

DTYPES = {np.dtype("float32"): 0, np.dtype("float64"): 1, np.dtype("int64"): 2}


def write(path, tensors):
    """tensors: name -> numpy array or torch tensor (float32, float64 or int64)."""
    with open(path, "wb") as f:
        f.write(b"URSGOLD1" + struct.pack("<I", len(tensors)))
        for name, value in tensors.items():
            if hasattr(value, "detach"):
                value = value.detach().cpu().numpy()
            value = np.asarray(value, order="C")
            encoded = name.encode()
            f.write(struct.pack("<H", len(encoded)) + encoded)
            f.write(struct.pack("<BB", DTYPES[value.dtype], value.ndim))
            f.write(struct.pack("<%dq" % value.ndim, *value.shape))
            f.write(value.tobytes())

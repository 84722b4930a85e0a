"""Golden file of the networks that are shaped for an NPU: what they give with their starting weights. Needs torch and torchvision:

    python3 tools/golden/golden_variants.py

Everything in float64, weights and inputs from formula.py under the names of the C program:

    convnext/logits   torchvision's ConvNeXt-Tiny, BatchNorm2d for LayerNorm, Hardswish for GELU, downsampling before its norm
    yolo/...          digests of the outputs of yolo_reference.YoloSeg with hard-swish for SiLU
"""
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision

import formula
import golden_file
import yolo_reference

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "golden", "npu_variants.gold")
CLASSES = 10


def exchange(module, old, new):
    for name, child in module.named_children():
        if isinstance(child, old):
            setattr(module, name, new(child))
        else:
            exchange(child, old, new)


def logits(model, width, height):
    model.double().eval()
    with torch.no_grad():
        return model(formula.values("variant", (2, 3, height, width), -2.0, 2.0))


def convnext():
    model = torchvision.models.convnext_tiny(num_classes=CLASSES, stochastic_depth_prob=0.0)
    for i, stage in enumerate(model.features):
        if i % 2 == 0 and i > 0:  # (norm, convolution) -> (convolution, norm), under their own names
            model.features[i] = Downsample(stage[1])
    exchange(model, nn.GELU, lambda m: nn.Hardswish())
    model.features[0][1] = norm(96)
    model.classifier[0] = norm(768)
    for i in (1, 3, 5, 7):
        for block in model.features[i]:
            width = block.block[0].out_channels
            block.block[2] = ChannelsLastNorm(width)
    formula.fill(model)
    return logits(model, 64, 64)


def norm(width):
    return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)


class Downsample(nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.add_module("0", norm(conv.out_channels))
        self.add_module("1", conv)

    def forward(self, x):
        return self._modules["0"](self._modules["1"](x))


class ChannelsLastNorm(nn.BatchNorm2d):
    """Inside a block torchvision has turned the picture to [N,H,W,C]."""

    def __init__(self, width):
        super().__init__(width, eps=1e-3, momentum=0.01)

    def forward(self, x):
        return super().forward(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def yolo(gold):
    silu = F.silu
    F.silu = F.hardswish
    try:
        model = yolo_reference.YoloSeg(3).double().eval()
        formula.fill(model)
        with torch.no_grad():
            boxes, classes, coefs, proto = model(formula.values("variant", (2, 3, 64, 96), 0.0, 1.0))
    finally:
        F.silu = silu
    for key, maps in (("box", boxes), ("class", classes), ("coef", coefs), ("proto", [proto])):
        for i, m in enumerate(maps):
            name = key if key == "proto" else key + str(i)
            gold["yolo/" + name] = formula.digest(name, m, 64)


if __name__ == "__main__":
    torch.set_num_threads(1)
    out = {"convnext/logits": convnext()}
    yolo(out)
    golden_file.write(OUT, out)

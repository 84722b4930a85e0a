"""Golden values of the optimisers: tests/golden/optimiser.gold, read by tests/unit/test_optimiser.c.

Twelve steps of torch.optim on a block of 24 float32 parameters in two groups (one with weight decay, one without), with gradients from the generator that the
test repeats, a rate that changes every step, and gradient clipping in half of the cases. Also torch's learning-rate schedules.

    python3 tools/golden/golden_optimiser.py tests/golden/optimiser.gold
"""
import sys

import numpy as np
import torch

import golden_file
from golden_losses import Lcg

torch.set_default_dtype(torch.float32)
STEPS = 12


def tensor(random, n, scale):
    return random.tensor(n, scale=scale).detach().float()


def run(out, name, make, clip):
    random = Lcg(11)
    a, b = torch.nn.Parameter(tensor(random, 16, 2)), torch.nn.Parameter(tensor(random, 8, 2))
    optimiser = make([{"params": [a], "weight_decay": 0.05}, {"params": [b], "weight_decay": 0.0, "lr": 0.02}])
    history = []
    for step in range(STEPS):
        for i, group in enumerate(optimiser.param_groups):
            group["lr"] = (0.01, 0.02)[i] * (1 + step % 3)
        a.grad, b.grad = tensor(random, 16, 1), tensor(random, 8, 1)
        if clip:
            out["%s/norm%d" % (name, step)] = torch.nn.utils.clip_grad_norm_([a, b], 1.5)
        optimiser.step()
        history.append(torch.cat([a.detach(), b.detach()]).clone())
    out[name] = torch.stack(history)


def schedules(out):
    parameter = torch.nn.Parameter(torch.zeros(1))
    for name, make in (("cosine", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20, eta_min=1e-6)),
                       ("step", lambda o: torch.optim.lr_scheduler.StepLR(o, 4, 0.3)),
                       ("linear", lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda e: (1 - e / 20) * (1 - 0.01) + 0.01))):
        optimiser = torch.optim.SGD([parameter], lr=1e-3)
        scheduler, rates = make(optimiser), []
        for _ in range(21):
            rates.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            scheduler.step()
        out["schedule/" + name] = np.array(rates)


def main():
    out = {}
    sgd = lambda **more: lambda groups: torch.optim.SGD(groups, lr=0.01, **more)
    run(out, "sgd", sgd(), False)
    run(out, "momentum", sgd(momentum=0.9), True)
    run(out, "nesterov", sgd(momentum=0.937, nesterov=True), False)
    run(out, "adamw", lambda groups: torch.optim.AdamW(groups, lr=0.01), False)
    run(out, "adamw_clip", lambda groups: torch.optim.AdamW(groups, lr=0.01, betas=(0.8, 0.99), eps=1e-6), True)
    schedules(out)
    golden_file.write(sys.argv[1], out)


if __name__ == "__main__":
    main()

"""Golden files of whole networks: logits, loss, every gradient, ten training steps. Run with the Python that has torch and torchvision:

    python3 tools/golden/golden_nets.py [mobilenet mobilenet_large convnext resnet efficientnet_v2 swin lite yolo] [efficientnet-lite0-57934424.pth]

Weights and inputs come from formula.py, all in float64; what is written is in tests/golden/*.gold:

    labels, logits, loss             first forward pass (batch norms with batch statistics)
    grad/NAME                        digest of the gradient (formula.digest)
    losses                           ten training steps; losses[0] == loss
    delta/NAME                       digest of (after ten steps - start), parameters and buffers
    small/...                        the same first pass on a smaller input, for the plain C backend
    eval/logits                      inference with the starting weights (running statistics)
"""
import os
import sys

import torch
import torch.nn.functional as F
import torchvision
import timm

import formula
import golden_file
import lite_reference
import yolo_reference

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "golden")
CLASSES = 10
STEPS = 10


def picture(name, shape):
    return formula.values(name, shape, -2.0, 2.0)


def far_from_kinks(gold, model, shape, tries=40):
    """The picture, of those named input0, input1, ..., whose activations keep the largest distance from the kinks of ReLU and its relatives: rounding to float
    then leaves every one of them on its side. Its number is stored as "input"."""
    kinks = {torch.nn.ReLU: (0.0,), torch.nn.ReLU6: (0.0, 6.0), torch.nn.Hardswish: (-3.0, 3.0), torch.nn.Hardsigmoid: (-3.0, 3.0)}
    distance = [0.0]

    def look(module, inputs):  # before the module runs: some work in place
        for k in kinks[type(module)]:
            distance[0] = min(distance[0], float((inputs[0] - k).abs().min()))
    begin = {k: v.clone() for k, v in model.state_dict().items()}
    hooks = [m.register_forward_pre_hook(look) for m in model.modules() if type(m) in kinks]
    best = (-1.0, 0)
    model.train()
    with torch.no_grad():
        for i in range(tries):
            distance[0] = 1.0
            model(picture("input%d" % i, shape))
            best = max(best, (distance[0], i))
    for h in hooks:
        h.remove()
    model.load_state_dict(begin)
    print("input%d: distance %.2g" % (best[1], best[0]))
    gold["input"] = torch.tensor([best[1]])
    return picture("input%d" % best[1], shape)


def labels_for(n):
    return torch.arange(n) * 3 % CLASSES


def start(model):
    formula.fill(model)
    return {k: v.clone() for k, v in model.state_dict().items()}


def first_pass(gold, prefix, model, loss_of, logits_of=None):
    model.train()
    model.zero_grad()
    value, extra = loss_of()
    value.backward()
    gold[prefix + "loss"] = value.detach().reshape(1)
    for key, tensor in extra.items():
        gold[prefix + key] = tensor.detach()
    for name, p in model.named_parameters():
        gold[prefix + "grad/" + name] = formula.digest(name, p.grad)


def steps(gold, model, begin, loss_of, optimiser, clip=None):
    losses = []
    model.load_state_dict(begin)
    model.train()
    for _ in range(STEPS):
        optimiser.zero_grad()
        value, _ = loss_of()
        value.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
        losses.append(float(value))
    gold["losses"] = torch.tensor(losses, dtype=torch.float64)
    for name, tensor in model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            gold["delta/" + name] = formula.digest(name, tensor - begin[name])
    print("losses", losses)


def classifier_loss(model, x):
    labels = labels_for(x.shape[0])

    def run():
        logits = model(x)
        return F.cross_entropy(logits, labels), {"logits": logits}
    return run


def weights_and_others(model, decay):
    weights = [p for n, p in model.named_parameters() if n.endswith(".weight") and p.dim() > 1]
    others = [p for n, p in model.named_parameters() if not (n.endswith(".weight") and p.dim() > 1)]
    return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def mobilenet():
    gold = {}
    model = torchvision.models.mobilenet_v3_small(num_classes=CLASSES, dropout=0.0).double()
    begin = start(model)
    x = far_from_kinks(gold, model, (4, 3, 96, 64))
    model.eval()
    gold["eval/logits"] = model(x).detach()
    run = classifier_loss(model, x)
    first_pass(gold, "", model, run)
    steps(gold, model, begin, run, torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-4))
    golden_file.write(os.path.join(OUT, "mobilenet_v3_small.gold"), gold)


def convnext():
    gold = {}
    model = torchvision.models.convnext_tiny(num_classes=CLASSES, stochastic_depth_prob=0.0).double()
    begin = start(model)
    first_pass(gold, "small/", model, classifier_loss(model, picture("small", (2, 3, 32, 32))))
    run = classifier_loss(model, picture("input", (2, 3, 64, 96)))
    first_pass(gold, "", model, run)
    steps(gold, model, begin, run, torch.optim.AdamW(weights_and_others(model, 0.05), lr=1e-5))
    golden_file.write(os.path.join(OUT, "convnext_tiny.gold"), gold)


def rounding_of_classifier(make, x):
    """Largest error of a weight's gradient (of its tensor's largest) when PyTorch itself computes the network in float. (Biases in front of norms have
    gradients of nothing but rounding.)"""
    gradients = []
    for dtype in (torch.float64, torch.float32):
        model = make().double()
        formula.fill(model)
        model = model.to(dtype).train()
        F.cross_entropy(model(x.to(dtype)).double(), labels_for(x.shape[0])).backward()
        gradients.append([p.grad.double() for n, p in model.named_parameters() if n.endswith("weight")])
    return max(float((a - b).abs().max() / a.abs().max()) for a, b in zip(*gradients))


def running_statistics_of(model, x):
    """Running statistics become those of this picture: with random ones a deep network explodes."""
    for m in model.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.momentum = 1.0
    with torch.no_grad():
        model.train()(x)


def one_pass(name, make, shape, tries=12):
    """Starting weights, the picture that suffers least from rounding, one training pass, and inference with the picture's own statistics."""
    gold = {}
    errors = [rounding_of_classifier(make, picture("input%d" % i, shape)) for i in range(tries)]
    best = min(range(tries), key=lambda i: errors[i])
    print("input%d: rounding %.2g, worst %.2g" % (best, errors[best], max(errors)))
    gold["input"] = torch.tensor([best])
    x = picture("input%d" % best, shape)
    model = make().double()
    start(model)
    first_pass(gold, "", model, classifier_loss(model, x))
    running_statistics_of(model, x)
    model.eval()
    gold["eval/logits"] = model(x).detach()
    golden_file.write(os.path.join(OUT, name + ".gold"), gold)


def mobilenet_large():
    one_pass("mobilenet_v3_large", lambda: torchvision.models.mobilenet_v3_large(num_classes=CLASSES, dropout=0.0), (2, 3, 64, 96))


def resnet():
    one_pass("resnet50", lambda: torchvision.models.resnet50(num_classes=CLASSES), (4, 3, 64, 64))


def efficientnet_v2():
    one_pass("efficientnet_v2_s", lambda: torchvision.models.efficientnet_v2_s(num_classes=CLASSES, dropout=0.0, stochastic_depth_prob=0.0), (4, 3, 64, 64), 8)


def swin():
    """At 224, the smallest side on which windows of 7 fit at all four stages."""
    gold = {}
    model = timm.create_model("swin_tiny_patch4_window7_224", num_classes=CLASSES, drop_path_rate=0.0).double()
    start(model)
    x = picture("input0", (1, 3, 224, 224))
    gold["input"] = torch.tensor([0])
    first_pass(gold, "", model, classifier_loss(model, x))
    model.eval()
    gold["eval/logits"] = model(x).detach()
    gold["features"] = model.forward_head(model.forward_features(x), pre_logits=True).detach()
    golden_file.write(os.path.join(OUT, "swin_tiny.gold"), gold)


def lite():
    gold = {}
    model = lite_reference.EfficientNetLite0(CLASSES).double()
    start(model)
    x = far_from_kinks(gold, model, (2, 3, 64, 48))
    model.eval()
    gold["eval/logits"] = model(x).detach()
    first_pass(gold, "", model, classifier_loss(model, x))
    for path in [a for a in sys.argv[1:] if a.endswith(".pth")]:  # published ImageNet weights, if their file is given
        real = lite_reference.EfficientNetLite0(1000)
        real.load_state_dict(torch.load(path, map_location="cpu"))
        real.double().eval()
        gold["published/logits"] = real(picture("published", (1, 3, 224, 224))).detach()
    golden_file.write(os.path.join(OUT, "efficientnet_lite0.gold"), gold)


def yolo_targets(width, height):
    """Two pictures: three overlapping objects of two classes; one small object. Masks are ellipses, the smaller on top."""
    rows = [[(4.0, 6.0, 61.5, 58.0, 0), (30.25, 10.0, 90.0, 50.5, 2), (40.0, 20.0, 62.0, 41.0, 0)], [(50.0, 33.0, 77.0, 61.0, 1)]]
    out = []
    for boxes in rows:
        index = torch.zeros(height // 4, width // 4, dtype=torch.long)
        y, x = torch.meshgrid(torch.arange(height // 4) * 4.0 + 2, torch.arange(width // 4) * 4.0 + 2, indexing="ij")
        for i, (x1, y1, x2, y2, _) in enumerate(boxes):
            index[((x - (x1 + x2) / 2) / (x2 - x1) * 2) ** 2 + ((y - (y1 + y2) / 2) / (y2 - y1) * 2) ** 2 < 1] = i + 1
        out.append({"boxes": torch.tensor([b[:4] for b in boxes], dtype=torch.float64), "classes": torch.tensor([b[4] for b in boxes]), "map": index})
    return out


def calm(model):
    """Near bins and rare classes are likelier, as in a trained network: otherwise most boxes miss, and ten steps amplify rounding
    a thousandfold."""
    with torch.no_grad():
        for level, branch in enumerate(model.model[22].cv2):
            branch[2].bias.copy_((branch[2].bias.float() - 0.25 * (level + 1) * (torch.arange(64) % 16).float()).double())
        for branch in model.model[22].cv3:
            branch[2].bias.copy_((branch[2].bias.float() - 3.0).double())
    return {k: v.clone() for k, v in model.state_dict().items()}


def rounding_of(model, targets, x):
    """Largest error of a gradient (of its tensor's largest) when PyTorch itself computes the network in float."""
    gradients = []
    for dtype in (torch.float64, torch.float32):
        copy = yolo_reference.YoloSeg(3).to(dtype)
        copy.load_state_dict(model.state_dict())
        copy.train()
        maps = copy(x.to(dtype))
        total, _, _ = yolo_reference.loss([[m.double() for m in level] for level in maps[:3]] + [maps[3].double()], targets)
        total.backward()
        gradients.append([p.grad.double() for p in copy.parameters()])
    return max(float((a - b).abs().max() / a.abs().max()) for a, b in zip(*gradients) if a.abs().max() > 0)


def calmest(gold, model, targets, shape, tries=16):
    """The picture (input0, input1, ...) whose gradients suffer least from rounding: alignment takes the sixth power of overlaps, so some suffer much."""
    names = ["input%d" % i for i in range(tries)]
    errors = [rounding_of(model, targets, formula.values(n, shape, 0.0, 1.0)) for n in names]
    best = min(range(tries), key=lambda i: errors[i])
    print(names[best], "rounding %.2g, worst %.2g" % (errors[best], max(errors)))
    gold["input"] = torch.tensor([best])
    return formula.values(names[best], shape, 0.0, 1.0)


def yolo():
    gold = {}
    width, height = 96, 64
    model = yolo_reference.YoloSeg(3).double()
    start(model)
    begin = calm(model)
    targets = yolo_targets(width, height)
    x = calmest(gold, model, targets, (2, 3, height, width))
    model.eval()
    boxes, classes, coefs, proto = model(x)
    for key, maps in (("box", boxes), ("class", classes), ("coef", coefs), ("proto", [proto])):
        for i, m in enumerate(maps):
            name = key if key == "proto" else key + str(i)
            gold["eval/" + name] = formula.digest(name, m, 64)

    def run():
        total, part, assigned = yolo_reference.loss(model(x), targets)
        extra = {"part/" + k: v.reshape(1) for k, v in part.items()}
        extra["assigned"] = torch.stack([g for g, _ in assigned])
        extra["scores"] = torch.stack([s for _, s in assigned])
        return total, extra

    first_pass(gold, "", model, run)
    for i, t in enumerate(targets):
        for key, value in t.items():
            gold["target%d/%s" % (i, key)] = value
    optimiser = torch.optim.SGD(weights_and_others(model, 5e-4), lr=1e-4, momentum=0.937, nesterov=True)
    steps(gold, model, begin, run, optimiser, clip=10.0)
    print({k: float(v) for k, v in gold.items() if k.startswith("part/")}, "foreground", (gold["assigned"] >= 0).sum())
    golden_file.write(os.path.join(OUT, "yolov8n_seg.gold"), gold)


if __name__ == "__main__":
    torch.set_num_threads(1)
    wanted = [a for a in sys.argv[1:] if not a.endswith(".pth")] or ["mobilenet", "mobilenet_large", "convnext", "resnet", "efficientnet_v2", "swin", "lite", "yolo"]
    for name in wanted:
        print(name)
        globals()[name]()

"""Training steps of detection and segmentation in PyTorch and by the benchmark given, in turns: steps.py TASKS_BENCH FOLDER ROUNDS.

The peers are what a user has without this library: torchvision's ResNet-50 with a YOLOv3 whose boxes are assigned one after another in Python,
the U-Net of segmentation-models-pytorch, and timm's ViT-B/16 with four up-sampling blocks; towers frozen, AdamW. The least wall time of
all rounds counts.
"""
import json
import os
import subprocess
import sys
import time

import segmentation_models_pytorch as smp
import timm
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

bench, folder, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
SIDE = 224
ANCHORS = [(116, 90), (156, 198), (373, 326), (30, 61), (62, 45), (59, 119), (10, 13), (16, 30), (33, 23)]


def block(i, o, k):
    return nn.Sequential(nn.Conv2d(i, o, k, padding=k // 2, bias=False), nn.BatchNorm2d(o), nn.LeakyReLU(0.1))


class Branch(nn.Module):
    def __init__(self, i, f):
        super().__init__()
        self.first = nn.Sequential(block(i, f, 1), block(f, 2 * f, 3), block(2 * f, f, 1), block(f, 2 * f, 3), block(2 * f, f, 1))
        self.last = nn.Sequential(block(f, 2 * f, 3), nn.Conv2d(2 * f, 18, 1))

    def forward(self, x):
        tap = self.first(x)
        return tap, self.last(tap)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        net = torchvision.models.resnet50(weights=None)
        self.stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool, net.layer1)
        self.stages = nn.ModuleList([net.layer2, net.layer3, net.layer4])
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        self.branches = nn.ModuleList([Branch(2048, 512), Branch(1024 + 256, 256), Branch(512 + 128, 128)])
        self.lateral = nn.ModuleList([block(512, 256, 1), block(256, 128, 1)])

    def train(self, mode=True):
        super().train(mode)
        self.stem.eval()
        self.stages.eval()
        return self

    def forward(self, x):
        x = self.stem(x)
        pyramid = []
        for stage in self.stages:
            x = stage(x)
            pyramid.append(x)
        outputs, below = [], None
        for i, branch in enumerate(self.branches):
            feature = pyramid[2 - i]
            if below is not None:
                feature = torch.cat([F.interpolate(self.lateral[i - 1](below), scale_factor=2), feature], 1)
            below, out = branch(feature)
            outputs.append(out)
        return outputs


def yolo_loss(outputs, boxes):
    total = 0.0
    for scale, out in enumerate(outputs):
        batch, _, height, width = out.shape
        stride = SIDE / height
        anchors = [(w * SIDE / 416 / stride, h * SIDE / 416 / stride) for w, h in ANCHORS[3 * scale:3 * scale + 3]]
        raw = out.view(batch, 3, 6, height, width).permute(0, 1, 3, 4, 2)
        mask, empty = torch.zeros(batch, 3, height, width), torch.ones(batch, 3, height, width)
        target = torch.zeros(batch, 3, height, width, 4)
        for b in range(batch):
            for _, cx, cy, w, h in boxes[b].tolist():
                gx, gy, gw, gh = cx * width, cy * height, w * width, h * height
                column, row = min(int(gx), width - 1), min(int(gy), height - 1)
                likeness = []
                for aw, ah in anchors:
                    shared = (min(gw, aw) + 1) * (min(gh, ah) + 1)
                    likeness.append(shared / ((gw + 1) * (gh + 1) + (aw + 1) * (ah + 1) - shared + 1e-16))
                for a in range(3):
                    if likeness[a] > 0.5:
                        empty[b, a, row, column] = 0
                best = max(range(3), key=lambda a: likeness[a])
                mask[b, best, row, column] = 1
                size = torch.log(torch.tensor([gw / anchors[best][0], gh / anchors[best][1]]) + 1e-16)
                target[b, best, row, column] = torch.cat([torch.tensor([gx - column, gy - row]), size])
        centre, surety, kind = raw[..., :2].sigmoid(), raw[..., 4].sigmoid(), raw[..., 5].sigmoid()
        for i in range(2):
            total = total + 2.5 * F.binary_cross_entropy(centre[..., i] * mask, target[..., i] * mask)
            total = total + 2.5 * F.mse_loss(raw[..., 2 + i] * mask, target[..., 2 + i] * mask)
        total = total + F.binary_cross_entropy(surety * mask, mask) + 0.5 * F.binary_cross_entropy(surety * empty, torch.zeros_like(empty))
        total = total + F.binary_cross_entropy(kind * mask, mask)
    return total


class Setr(nn.Module):
    def __init__(self):
        super().__init__()
        self.tower = timm.create_model("vit_base_patch16_224", pretrained=False)
        for parameter in self.tower.parameters():
            parameter.requires_grad_(False)
        self.dense = nn.Linear(768, 768)
        widths, layers = [768, 512, 256, 128, 64], []
        for i, o in zip(widths, widths[1:]):
            layers += [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)]
        self.decoder = nn.Sequential(*layers, nn.Conv2d(64, 1, 3, padding=1))

    def forward(self, x):
        tokens = self.dense(self.tower.forward_features(x)[:, 1:])
        return self.decoder(tokens.transpose(1, 2).reshape(x.shape[0], 768, 14, 14))


def mask_loss(logits, masks):
    hard = torch.exp(2 * F.logsigmoid(-logits * (2 * masks - 1)))
    focal = (hard * F.binary_cross_entropy_with_logits(logits, masks, reduction="none")).mean()
    p = logits.sigmoid()
    return 10 * focal - torch.log((2 * (p * masks).sum() + 1) / (p.sum() + masks.sum() + 1))


def unet():
    net = smp.Unet("resnet50", encoder_weights=None)
    for parameter in net.encoder.parameters():
        parameter.requires_grad_(False)
    return net


def detection_step():
    net = Detector().train()
    images = torch.randint(256, (16, 1, SIDE, SIDE)).expand(-1, 3, -1, -1).float() / 127.5 - 1
    boxes = torch.rand(16, 3, 5) * 0.4 + 0.1
    boxes[..., 0] = 0
    return net, lambda: yolo_loss(net(images), boxes)


def segmentation_step(net):
    net.train()
    images = torch.randint(256, (8, 1, SIDE, SIDE)).expand(-1, 3, -1, -1).float() / 127.5 - 1
    masks = (torch.rand(8, 1, SIDE, SIDE) > 0.9).float()
    return net, lambda: mask_loss(net(images), masks)


def seconds(net, loss, count=2):
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], 5e-4)
    least = float("inf")
    for _ in range(count + 1):  # the first warms up
        begin = time.perf_counter()
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        least = min(least, time.perf_counter() - begin)
    return least


def ours():
    path = os.path.join(folder, "steps.json")
    subprocess.run([bench, "--benchmark_filter=TrainingStep", "--benchmark_min_time=0.1", "--benchmark_repetitions=2", f"--benchmark_out={path}", "--benchmark_out_format=json"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(path) as file:
        found = {}
        for one in json.load(file)["benchmarks"]:
            if one.get("run_type") == "iteration":
                name = one["name"].split("/")[0].removeprefix("BM_TrainingStep_")
                found[name] = min(found.get(name, float("inf")), one["real_time"] / 1e3)
        return found


print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, segmentation-models-pytorch {smp.__version__}, timm {timm.__version__}, {torch.get_num_threads()} threads")
peers = {"detection": detection_step, "unet": lambda: segmentation_step(unet()), "setr": lambda: segmentation_step(Setr())}
best = {name: [float("inf"), float("inf")] for name in peers}
for _ in range(rounds):
    mine = ours()
    for name, make in peers.items():
        best[name] = [min(best[name][0], mine[name]), min(best[name][1], seconds(*make()))]
for name, (mine, theirs) in best.items():
    print(f"{name}: {mine:.2f} s, PyTorch {theirs:.2f} s, ratio {theirs / mine:.2f}")

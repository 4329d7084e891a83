"""Training steps in PyTorch and by the benchmarks given, in turns: steps.py BENCHMARKS FOLDER ROUNDS, where BENCHMARKS is the folder
of tasks_bench and catalog_bench. On a GPU, where there is one, in f32 and bf16, and a pretraining step besides.

The peers are what a user has without this library: torchvision's ResNet-50 with a YOLOv3 whose boxes are assigned one after another in Python,
the U-Net of segmentation-models-pytorch, and timm's ViT-B/16 with four up-sampling blocks; towers frozen, AdamW. Pretraining: timm's ViT-B/16
and six layers of BERT of transformers under a contrastive loss of whole images and reports. The least wall time of all rounds counts.
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

benchmarks, folder, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
SIDE = 224
GPU = torch.cuda.is_available()
torch.set_default_device("cuda" if GPU else "cpu")
PRECISIONS = {"f32": torch.float32, "bf16": torch.bfloat16} if GPU else {"f32": torch.float32}
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


@torch.autocast("cuda" if GPU else "cpu", enabled=False)  # binary_cross_entropy refuses half precision
def yolo_loss(outputs, boxes):
    total = 0.0
    for scale, out in enumerate(outputs):
        batch, _, height, width = out.shape
        stride = SIDE / height
        anchors = [(w * SIDE / 416 / stride, h * SIDE / 416 / stride) for w, h in ANCHORS[3 * scale:3 * scale + 3]]
        raw = out.float().view(batch, 3, 6, height, width).permute(0, 1, 3, 4, 2)
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


class Pair(nn.Module):
    """Contrast of whole images and reports, every part as its library runs it best."""

    def __init__(self):
        super().__init__()
        from transformers import BertConfig, BertModel

        self.image = timm.create_model("vit_base_patch16_224", pretrained=False, num_classes=0)
        self.text = BertModel(BertConfig(vocab_size=28996, num_hidden_layers=6, attn_implementation="sdpa"), add_pooling_layer=False)
        self.heads = nn.ModuleList(nn.Sequential(nn.Linear(768, 2048), nn.BatchNorm1d(2048), nn.ReLU(), nn.Linear(2048, 128), nn.BatchNorm1d(128, affine=False)) for _ in range(2))

    def forward(self, images, tokens):
        image = F.normalize(self.heads[0](self.image.forward_features(images)[:, 0]), dim=1)
        text = F.normalize(self.heads[1](self.text(tokens, attention_mask=torch.ones_like(tokens)).last_hidden_state[:, 0]), dim=1)
        logits, truth = image @ text.t() / 0.07, torch.arange(len(images))
        return F.cross_entropy(logits, truth) + F.cross_entropy(logits.t(), truth)


def pictures(count):
    bytes_ = torch.randint(256, (count, 1, SIDE, SIDE), dtype=torch.uint8, device="cpu")
    bytes_ = bytes_.pin_memory() if GPU else bytes_
    return lambda: (bytes_.to("cuda" if GPU else "cpu", non_blocking=True).float() / 127.5 - 1).expand(-1, 3, -1, -1)


def detection_step():
    net, images = Detector().train(), pictures(16)
    boxes = torch.rand(16, 3, 5) * 0.4 + 0.1
    boxes[..., 0] = 0
    return net, lambda: yolo_loss(net(images()), boxes)


def segmentation_step(net):
    net.train()
    images, masks = pictures(8), (torch.rand(8, 1, SIDE, SIDE) > 0.9).float()
    return net, lambda: mask_loss(net(images()), masks)


def pretraining_step(count):
    net, images, tokens = Pair().train(), pictures(count), torch.randint(200, 28996, (count, 112))
    return net, lambda: net(images(), tokens)


def seconds(net, loss, precision):
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], 5e-4, fused=GPU)
    least = float("inf")
    for _ in range(25 if GPU else 3):  # the first warm up
        begin = time.perf_counter()
        optimizer.zero_grad()
        with torch.autocast("cuda" if GPU else "cpu", PRECISIONS[precision], enabled=precision != "f32"):
            value = loss()
        value.backward()
        optimizer.step()
        if GPU:
            torch.cuda.synchronize()
        least = min(least, time.perf_counter() - begin)
    return least


def measured(program, wanted):
    path = os.path.join(folder, "steps.json")
    subprocess.run([os.path.join(benchmarks, program), f"--benchmark_filter={wanted}", "--benchmark_min_time=" + ("0.5" if GPU else "0.1"), "--benchmark_repetitions=2",
                    f"--benchmark_out={path}", "--benchmark_out_format=json"], check=True, stdout=subprocess.DEVNULL)
    with open(path) as file:
        return [(one["name"].split("/"), one["real_time"] / 1e3) for one in json.load(file)["benchmarks"] if one.get("run_type") == "iteration"]


def ours():
    """Seconds by (step, precision)."""
    found = {}
    for (name, precision, *_), value in measured("tasks_bench", "TrainingStep"):
        key = name.removeprefix("BM_TrainingStep_"), list(PRECISIONS)[int(precision.removeprefix("precision:"))]
        found[key] = min(found.get(key, float("inf")), value)
    for name, value in measured("catalog_bench", "PretrainStep/mgca-vit-b16-ita") if GPU else []:
        key = "pretrain " + name[3].removeprefix("pairs:"), name[2]
        found[key] = min(found.get(key, float("inf")), value)
    return found


print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, segmentation-models-pytorch {smp.__version__}, timm {timm.__version__}, "
      + (torch.cuda.get_device_name() if GPU else f"{torch.get_num_threads()} threads"))
peers = {"detection": detection_step, "unet": lambda: segmentation_step(unet()), "setr": lambda: segmentation_step(Setr())}
if GPU:
    peers |= {f"pretrain {count}": lambda count=count: pretraining_step(count) for count in (72, 144)}
best = {(name, precision): [float("inf"), float("inf")] for name in peers for precision in PRECISIONS}
for _ in range(rounds):
    mine = ours()
    for key in best:
        best[key] = [min(best[key][0], mine[key]), min(best[key][1], seconds(*peers[key[0]](), key[1]))]
for (name, precision), (mine, theirs) in best.items():
    print(f"{name} {precision}: {mine * 1e3:.2f} ms, PyTorch {theirs * 1e3:.2f} ms, ratio {theirs / mine:.2f}")

"""The golden of tests/encoders/densenet_test.cpp: torchvision's DenseNet, narrow, with weights by a formula, on one picture.

python3 densenet_golden.py > values        needs torch and torchvision (requirements.txt)

With --full it compares nothing but prints the number of parameters of densenet121 without its classifier.
"""
import sys

import torch
from torchvision.models.densenet import DenseNet


def formula(model):
    """Weights that need no file: tensor i of the state in alphabetical order is 0.3 sin(1 + i + 0.7 j) at element j, plus 1 where it is a scale or a variance."""
    state = model.state_dict()
    for i, name in enumerate(sorted(n for n in state if not n.endswith("num_batches_tracked"))):
        value = state[name]
        wave = 0.3 * torch.sin(1 + i + 0.7 * torch.arange(value.numel(), dtype=torch.float64)).reshape(value.shape)
        shift = 1.0 if value.dim() == 1 and (name.endswith("weight") or name.endswith("running_var")) else 0.0
        value.copy_(wave + shift)


def main():
    torch.set_default_dtype(torch.float64)
    model = DenseNet(growth_rate=4, block_config=(2, 1, 2, 1), num_init_features=8, bn_size=4).eval()
    del model.classifier
    formula(model)
    picture = torch.cos(0.01 * torch.arange(3 * 64 * 64, dtype=torch.float64)).reshape(1, 3, 64, 64)
    stages = {}
    for name in ["relu0", "transition1.relu", "transition2.relu", "transition3.relu", "norm5"]:
        module = model.features.get_submodule(name)
        module.register_forward_hook(lambda _m, _i, out, name=name: stages.__setitem__(name, out.clone()))
    with torch.no_grad():
        model.features(picture)
    for name, value in stages.items():
        value = torch.relu(value)
        print(name, list(value.shape), "mean", repr(value.mean().item()), "last", repr(value.flatten()[-1].item()), "norm", repr(value.norm().item()))
    print("global", [round(v, 12) for v in torch.relu(stages["norm5"]).mean((2, 3)).flatten().tolist()])


if __name__ == "__main__":
    main()

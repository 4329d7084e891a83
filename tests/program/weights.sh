#!/usr/bin/env bash
# Files of weights: looked into, carried from layout to layout, started from, turned into features.
golden=$(cd "$(dirname "$0")/../golden/io_tiny" && pwd)
# shellcheck source-path=SCRIPTDIR source=expect.sh
. "$(dirname "$0")/expect.sh" "$@"
contents_of() { "$mgca" inspect "$1" --json | grep -A9999 '"tensors": \['; }

# --- inspect ----------------------------------------------------------------------------------------------------
expect 0 'dialect +mgca-lightning \(the published MGCA checkpoints\)' "$mgca" inspect "$golden/lightning.ckpt"
grep -q 'img_encoder_q.model.blocks.0.attn.qkv.weight +F32 +48 x 16' -E out || failed "inspect lists no shapes"
grep -q "hyper_parameters.* = " out || failed "inspect shows no hyper-parameters"
grep -qE '^  SHA-256 +[0-9a-f]{64}$' out || failed "inspect shows no hash"
expect 0 'not used here' "$mgca" inspect "$golden/lightning.ckpt" --summary
[ "$(wc -l <out)" -lt 60 ] || failed "--summary lists tensors"
expect 0 '"dialects": \[' "$mgca" inspect "$golden/deit_style.pth" --json
grep -q '"timm-vit"' out || failed "the dialect of a DeiT file"
expect 0 'torch before 1.6' "$mgca" inspect "$golden/state_dict_legacy.pth" --summary
"$mgca" inspect "$golden/deit_style.pth" --json >inspected
grep -q "$(sha256sum "$golden/deit_style.pth" | cut -d " " -f 1)" inspected || failed "inspect shows another hash than sha256sum"
expect 5 'nowhere.pth: cannot open' "$mgca" inspect nowhere.pth
head -c 2000 "$golden/lightning.ckpt" >cut.ckpt
expect 4 'cut.ckpt: ' "$mgca" inspect cut.ckpt
expect 4 'pairs.csv: not a file of weights' "$mgca" inspect data/pairs.csv

# A name that would move the cursor is shown harmlessly.
json='{"a\u001b[31m":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}'
printf "\\x$(printf %x ${#json})\\0\\0\\0\\0\\0\\0\\0" >escape.safetensors && printf '%s\0\0\0\0' "$json" >>escape.safetensors
expect 0 'a\?\[31m +F32 +scalar' "$mgca" inspect escape.safetensors
grep -q "$(printf '\033')" out && failed "inspect hands control characters to the terminal"
grep -q 'none that is known here' out || failed "inspect knows the dialect of anything"

# --- convert ----------------------------------------------------------------------------------------------------
expect 0 'dialect +mgca-lightning to mgca' "$mgca" convert "$golden/lightning.ckpt" ours.safetensors --to mgca
grep -q 'left out .* tensors: state of a training run, no weights' out || failed "convert says nothing of what it leaves out"
expect 0 'profile.*official' "$mgca" inspect ours.safetensors --json
for pair in timm-vit:vit.pth hf-bert:bert.bin mgca-lightning:again.ckpt mgca:again.safetensors; do
  expect 0 'written' "$mgca" convert ours.safetensors "${pair#*:}" --to "${pair%%:*}"
  expect 0 "dialect +${pair%%:*} " "$mgca" inspect "${pair#*:}" --summary
done
expect 0 '^  state_dict.img_encoder_q.model.cls_token' "$mgca" inspect again.ckpt
expect 0 'left out +10 tensors: cross-attention' "$mgca" convert ours.safetensors bert.safetensors --to hf-bert
expect 0 'written' "$mgca" convert again.ckpt back.safetensors --to mgca
same_files back.safetensors ours.safetensors
expect 0 'written' "$mgca" convert vit.pth vit.safetensors
[ "$(contents_of vit.pth)" = "$(contents_of vit.safetensors)" ] || failed "a change of container changed names or shapes"
expect 0 'written' "$mgca" convert "$golden/deit_style.pth" trunk.safetensors --to mgca
expect 0 'dialect +mgca ' "$mgca" inspect trunk.safetensors --summary
expect 2 'there is such a file already' "$mgca" convert ours.safetensors vit.pth --to timm-vit
expect 2 'expected a name that ends in .safetensors' "$mgca" convert ours.safetensors ours.onnx
expect 2 "no weight dialect 'tim-vit'; did you mean 'timm-vit'" "$mgca" convert ours.safetensors x.pth --to tim-vit
expect 4 'make no file of the dialect torchvision-resnet .*would lack conv1.weight' "$mgca" convert ours.safetensors x.pth --to torchvision-resnet
absent x.pth
no_temporaries .

# --- a run from public weights --------------------------------------------------------------------------------------
expect 0 'all 1 epochs are done' "$mgca" pretrain --data data/pairs.csv "${tiny[@]}" --set fit.epochs=1 --out first
for pair in timm-vit:tower.pth hf-bert:tower.bin; do expect 0 'written' "$mgca" convert first/best.safetensors "${pair#*:}" --to "${pair%%:*}"; done
gloria='model.overrides=["image.width=4","image.image_size=32","text.width=16","text.depth=2","text.intermediate=16"]'  # a projection there is a convolution
expect 0 'holds the start weights' "$mgca" pretrain --data data/pairs.csv --model gloria-resnet-small --set "$gloria" --set vocabulary_size=120 --set loader.batch_size=4 --set fit.epochs=0 --out regions
expect 0 'written' "$mgca" convert regions/best.safetensors gloria.ckpt --to gloria
expect 0 'gloria.img_encoder.local_embedder.weight +F32 +16 x 16 x 1 x 1' "$mgca" inspect gloria.ckpt
expect 0 'written' "$mgca" convert gloria.ckpt gloria.safetensors --to mgca
expect 0 'img_encoder_q.local_embed.weight +F32 +16 x 16$' "$mgca" inspect gloria.safetensors
expect 0 'written' "$mgca" convert gloria.safetensors regions.ckpt --to gloria
same_files gloria.ckpt regions.ckpt
from=(--image-weights tower.pth --text-weights tower.bin --vocabulary first/vocabulary.txt)
expect 0 'image weights from .*tower.pth \(timm-vit\): [0-9]+ tensors, 0 left out, [0-9]+ of the tower stay at random' pretrain --out second --set fit.epochs=1 "${from[@]}"
grep -q 'text weights from .*tower.bin (hf-bert)' out || failed "pretrain does not say where the text tower comes from"
for what in '"dialect": "timm-vit"' '"part": "text"' 'img_encoder_q.global_embed.head.0.weight' "$(sha256sum tower.pth | cut -d' ' -f1)"; do grep -q "$what" second/manifest.json || failed "the manifest lacks $what"; done
grep -q 'img_encoder_q.model.cls_token' second/manifest.json && failed "the manifest calls a loaded tensor random"
expect 0 'all 1 epochs are done' pretrain --out second --set fit.epochs=1 "${from[@]}"
grep -q '"dialect": "hf-bert"' second/manifest.json || failed "a second start forgets where the weights came from"
expect 3 'begun with other image weights' pretrain --out second --set fit.epochs=1 --image-weights first/best.safetensors --text-weights tower.bin --vocabulary first/vocabulary.txt
expect 3 'begun with no image weights' pretrain --out first --set fit.epochs=1 --image-weights tower.pth
mv tower.pth away.pth
expect 0 'all 1 epochs are done' "$mgca" pretrain --resume --out second
mv away.pth tower.pth
# The same from a configuration; a wrong vocabulary, a wrong tower and a wrong size are told before anything is written.
"$mgca" config --run second >second.json
expect 0 'all 1 epochs are done' "$mgca" pretrain --config second.json --out third
same_files second/best.safetensors third/best.safetensors
expect 4 'were trained with the vocabulary' pretrain --out fresh --text-weights first/best.safetensors --vocabulary "$sample/vocab/bert-base-cased-vocab.txt"
expect 4 'shape of text_encoder_q.model.embeddings.word_embeddings.weight' pretrain --out fresh --text-weights tower.bin --vocabulary "$sample/vocab/bert-base-cased-vocab.txt"
expect 4 'holds no weights of the image tower \(dialect hf-bert' pretrain --out fresh --image-weights tower.bin
bigger=(--set 'model.overrides=["image.width=16","image.depth=1","image.image_size=96","text.width=16","text.depth=1","text.intermediate=16","prototypes=8"]'
        --set source.augmentation.crop=96 --set source.stored_side=96 --set fit.epochs=1)
expect 4 'resample_positions makes a position table' pretrain --out fresh "${bigger[@]}" --image-weights tower.pth
absent fresh
expect 0 'position table resampled' pretrain --out larger "${bigger[@]}" --image-weights tower.pth --resample-positions
expect 2 'excludes' "$mgca" pretrain --resume --out second --image-weights tower.pth
# A published checkpoint brings its profile along.
expect 4 'dialect mgca-lightning' pretrain --out fresh --text-weights "$golden/lightning.ckpt"
"$mgca" pretrain --data data/pairs.csv "${tiny[@]}" --set 'model.overrides=["profile=fixed"]' --text-weights "$golden/lightning.ckpt" --out fresh >out 2>err && failed "official weights in a fixed model"
grep -q 'trained with profile official, the model is built with fixed' err || failed "the profile is not told"
absent fresh

# --- embed --------------------------------------------------------------------------------------------------------
expect 0 'image.global +36 x 64' "$mgca" embed --run first --data data/pairs.csv --out a.safetensors
grep -q 'text.global   36 x 64' out || failed "embed writes no reports"
grep -q 'local' out && failed "embed writes patches nobody asked for"
expect 0 'image.global +F32 +36 x 64' "$mgca" inspect a.safetensors
expect 0 'image.local +2 x 64 x 64' "$mgca" embed --run first --images data/images/1.jpg data/images/2.jpg --tokens --out b.npy
for name in image.global image.local image.features image.attention; do [ -s b.$name.npy ] || failed "b.$name.npy is missing"; done
[ "$(head -c 6 b.image.global.npy | tail -c 5)" = NUMPY ] || failed "no .npy file"
echo 'The heart is large.' >reports.txt
expect 0 'text.words +1' "$mgca" embed --run first --reports reports.txt --tokens --out c.safetensors
step=$(find first/checkpoints -name 'step-*' | sort | tail -1)
expect 0 'mgca-checkpoint' "$mgca" embed --run first --weights "$step" --images data/images/1.jpg --out d.npy
# The same picture gives the same numbers from a table, from a file, and from the weights in another container.
expect 0 'text.global' "$mgca" embed --run first --data data/pairs.csv --batch-size 1 --out all.npy
expect 0 'image.global' "$mgca" embed --run first --images data/images/1.jpg --out one.npy
expect 0 'written' "$mgca" convert first/best.safetensors best.pth --to mgca
expect 0 'image.global' "$mgca" embed --weights best.pth --images data/images/1.jpg --out other.npy
for name in image.features image.global; do
  same_files one.$name.npy other.$name.npy
  cmp -s <(tail -c +129 all.$name.npy | head -c 64) <(tail -c +129 one.$name.npy | head -c 64) || failed "a table gives other $name than a file"
done
expect 2 'a checkpoint of a run says nothing of its model; give --run' "$mgca" embed --weights "$step" --images data/images/1.jpg --out g.npy
expect 0 'no image projection: image.features alone' "$mgca" embed --weights "$golden/deit_style.pth" --set image.heads=2 --images data/images/1.jpg --out e.npy
expect 0 'profile official' "$mgca" embed --weights "$golden/lightning.ckpt" --set image.heads=2 --set text.heads=2 --images data/images/1.jpg --out f.npy
expect 2 'reports need --vocabulary' "$mgca" embed --weights "$golden/lightning.ckpt" --set image.heads=2 --set text.heads=2 --reports reports.txt --out g.npy
expect 4 'word pieces, the weights were trained with 37' "$mgca" embed --weights "$golden/lightning.ckpt" --vocabulary first/vocabulary.txt --set image.heads=2 --set text.heads=2 --reports reports.txt --out g.npy
printf 'The heart is large.\n.\n' >empty.txt
expect 4 'empty.txt: report 2 holds no word' "$mgca" embed --run first --reports empty.txt --out g.npy
expect 2 'nothing to embed' "$mgca" embed --run first --out g.npy
expect 2 'ends in .safetensors or .npy' "$mgca" embed --run first --images data/images/1.jpg --out g.csv
expect 2 'expected --run FOLDER or --weights FILE' "$mgca" embed --images data/images/1.jpg --out g.npy
expect 4 'a.safetensors: the names of its [0-9] tensors .* fit none of the dialects' "$mgca" convert a.safetensors x.pth --to mgca
no_temporaries .
no_canaries

echo "ok: $cases cases"

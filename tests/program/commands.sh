#!/usr/bin/env bash
# Every command does what docs/program.md says, and says what it did.
# shellcheck source-path=SCRIPTDIR source=expect.sh
. "$(dirname "$0")/expect.sh" "$@"

# --- help -------------------------------------------------------------------------------------------------------
got=0; "$mgca" >out 2>err || got=$?
if [ $got != 2 ] || ! grep -q Subcommands: err; then failed "without a command the help is shown as an error"; fi
expect 0 'Exit codes: 0 success' "$mgca" --help
commands=$(sed -n '/^Subcommands:/,/^$/p' out | awk 'NF > 1 && /^  [a-z]/ { print $1 }')
[ "$(echo "$commands" | wc -l)" -ge 9 ] || failed "the help lists too few commands"
for command in $commands; do
  expect 0 "Usage: mgca $command" "$mgca" "$command" --help
  [ "$(awk 'length > 160' out | wc -l)" = 0 ] || failed "the help of $command has lines over 160 characters"
done
expect 2 '--out is required; see mgca pretrain --help' "$mgca" pretrain --data data/pairs.csv
expect 2 "no command 'retreive'; did you mean 'retrieve'" "$mgca" retreive
expect 0 '^[0-9]+\.[0-9]+\.[0-9]+$' "$mgca" --version

# --- what there is ----------------------------------------------------------------------------------------------
expect 0 'mgca-vit-b16 +158\.[0-9] M +158\.[0-9] M .* 224 px +112 +reports +model image text' "$mgca" models 'mgca-vit*'
grep -q 'mgca-vit-tiny .* 64 px' out || failed "models misses what a pattern fits"
if grep -q mgca-resnet50 out; then failed "models lists what the filter leaves out"; fi
grep -q 'image *deit_base_patch16_224, DeiT *Apache-2.0 *mgca-vit-b16' out || failed "models does not tell where weights come from"
expect 0 '"trainable": [0-9]+' "$mgca" models tiny --json
expect 2 "no model's name matches 'mgca-vit-b17'; did you mean 'mgca-vit-b16'" "$mgca" models mgca-vit-b17
expect 0 'libtorch +2\.' "$mgca" doctor
for what in 'vector instructions' 'compute threads' 'memory .*free' 'disk .*free' CUDA '--precision'; do
  grep -q -- "$what" out || failed "doctor does not tell $what"
done
expect 0 'clean: no problem was found' "$mgca" check data/pairs.csv
grep -q 'train *24 *12' out || failed "check counts pairs and patients by split"
head -c 900 data/images/4.jpg >data/images/short.jpg
sed '3s/.*/images\/none.jpg,,CANARYPATIENT1,train,0/; 5s/images\/4.jpg/images\/short.jpg/; 36s/images\/35.jpg/images\/1.jpg/' data/pairs.csv >data/bad.csv
expect 4 'bad.csv: 4 problems' "$mgca" check data/bad.csv
for what in 'row 2: .*none.jpg' 'row 2: the report is empty' 'row 4: .*short.jpg: damaged' 'row 35: the same image as row 1'; do grep -q "$what" out || failed "check misses: $what"; done
expect 0 'clean: no problem was found' "$mgca" check data/pairs.csv --set data.report_column=Finding
expect 0 '"epochs": 30' "$mgca" config
expect 0 'fit.schedule.rate +0.0007 +number +highest learning rate' "$mgca" config --table
expect 0 'image.depth +12 +integer' "$mgca" config mgca-vit-b16 --table
expect 0 '"depth": 6' "$mgca" config mgca-vit-b16 --set image.depth=6

# --- a study from end to end ------------------------------------------------------------------------------------
expect 0 'all 2 epochs are done' pretrain --out a --set fit.epochs=2
grep -q 'epoch 2/2   loss .* held-out loss .* held-out top-5' out || failed "no line per epoch"
grep -q "$(printf '[\r\033]')" out && failed "a file gets plain lines only"
for file in config.json manifest.json vocabulary.txt history.csv best.safetensors split.json; do [ -s a/$file ] || failed "a/$file is missing"; done
ls a/checkpoints/step-*.safetensors >out 2>err || failed "a run without a checkpoint"
compgen -G 'a/events.out.tfevents.*' >/dev/null || failed "no TensorBoard file"
expect 0 'all 2 epochs are done' pretrain --out a --set fit.epochs=2  # nothing is left to do, nothing is an error
expect 0 'all 1 epochs are done' pretrain --out b --set fit.epochs=1 --set fit.seed=7
expect 0 'holds the start weights' pretrain --out untrained --set fit.epochs=0  # what pretraining must be compared with
expect 0 'recall at 10' "$mgca" retrieve --run untrained
expect 0 'no option differs' "$mgca" config --diff a a
expect 0 'fit.epochs +2 +1' "$mgca" config --diff a b
expect 0 '"epochs": 2' "$mgca" config --run a
expect 0 'recall at 10' "$mgca" retrieve --run a
grep -q 'different reports in 6 pairs: equal reports stand for each other' out || failed "retrieve says what counts as a hit"
[ "$(head -1 a/retrieve/ranks.csv)" = 'row,patient_number,image_to_report,report_to_image' ] || failed "ranks.csv"
[ "$(wc -l <a/retrieve/ranks.csv)" = 7 ] || failed "ranks.csv has a line for each pair"
grep -q '"name": "chance"' a/retrieve/results.json || failed "retrieve writes no chance"
expect 0 'recall at 10' "$mgca" retrieve --run a --data data/pairs.csv --split valid
expect 0 'index of 6 images written' "$mgca" retrieve --run a --write-index images.safetensors
expect 0 '^  -?[01]\.[0-9]+  images/3[1-6]\.jpg$' "$mgca" retrieve --run a --index images.safetensors --ask 'left lung' --count 3
[ "$(grep -c 'images/' out)" = 3 ] || failed "three images were asked for"
printf '?\nleft\n\nnever read\n' >questions
expect 0 'phrase 1 holds no word' "$mgca" retrieve --run a --index images.safetensors --count 2 <questions
[ "$(grep -c 'images/3' out)" = 2 ] || failed "one of two questions has an answer of two images"
expect 4 'images.safetensors: written with other weights' "$mgca" retrieve --run b --index images.safetensors --ask left
expect 4 'vectors.safetensors: no index of images' bash -c "\"$mgca\" embed --run a --images data/images/1.jpg --out vectors.safetensors >/dev/null && \"$mgca\" retrieve --run a --index vectors.safetensors --ask left"
expect 0 'macro mean' "$mgca" zeroshot --run a --labels data/pairs.csv --columns Finding
for file in results.json results.md results.tex scores-seed0.csv; do [ -s a/zeroshot/$file ] || failed "a/zeroshot/$file is missing"; done
grep -q '"no Finding"' a/zeroshot/results.json || failed "the protocol holds the prompts"
printf '{"classes": [{"name": "Finding", "present": ["left lung", "seen"], "absent": ["frontal view"]}]}' >prompts.json
expect 0 'Finding' "$mgca" zeroshot --run a --labels data/pairs.csv --columns Finding --prompts prompts.json --ensemble highest --local --out asked
grep -q '"prompts": "own"' asked/results.json && grep -q '"sentences"' asked/results.json || failed "prompts of one's own stand in the result"
grep -q '"similarity": "global_and_local"' asked/results.json || failed "the protocol holds the similarity"
expect 0 'Finding +auroc .* DeLong' "$mgca" compare a/zeroshot asked --resamples 50
expect 0 'Protocol chexzero .third party., changed: .*similarity.ensemble "highest" instead of "mean"' "$mgca" zeroshot --run a --labels data/pairs.csv --columns Finding --protocol chexzero --dataset mine --ensemble highest --out named
grep -q '"option": "similarity.ensemble"' named/results.json || failed "zeroshot tells what is not as the protocol says"
expect 2 'pass --dataset NAME' "$mgca" zeroshot --run a --labels data/pairs.csv --columns Finding --protocol chexzero
expect 2 "no label 'Atelectasis'" "$mgca" zeroshot --run a --labels data/pairs.csv --columns Finding --prompts gloria
expect 2 'the data have no labels' "$mgca" zeroshot --run a
echo 'category_name,label_text,image,x,y,w,h' >phrases.csv
for i in 31 32 33 1; do echo "Lung,left lung,images/$i.jpg,60,60,120,120" >>phrases.csv; done
expect 0 'pointing game' "$mgca" ground --run a --phrases phrases.csv --overlays maps --shown 2
[ "$(wc -l <a/ground/phrases.csv)" = 4 ] || failed "phrases.csv: three phrases of the split"
grep -q '"pointing_game"' a/ground/results.json || failed "ground writes no results.json"
grep -q "$(sha256sum phrases.csv | cut -d' ' -f1)" a/ground/results.json || failed "the hash of the phrases"
grep -q '1 phrases of phrases.csv are of images outside the split' err || failed "the phrase of another split"
[ "$(find maps -name '*.png' | wc -l)" = 2 ] || failed "two overlays"
expect 4 'no image of the split has a box' "$mgca" ground --run a
expect 0 'macro mean' "$mgca" classify --run a --labels data/pairs.csv --columns Finding
grep -q '"macro mean"' a/classify/results.json || failed "classify writes no results.json"
expect 0 'macro mean +auroc' "$mgca" compare a/classify a/zeroshot --resamples 50
expect 0 'similarity of image and report' "$mgca" explain --run a --row 35 --out shown
[ -s shown/heatmap.png ] || failed "explain writes no heat map"
[ "$(head -1 shown/words.csv)" = 'slot,weight' ] || failed "explain writes words nobody asked for"
expect 0 'report.html' "$mgca" report --run a --labels data/pairs.csv --columns Finding
grep -qE 'src="?https?:|href="?https?:|<script' a/report.html && failed "the page asks for something from outside"
no_canaries

# --- models that look at pictures alone -------------------------------------------------------------------------
sed -E 's/,"[^"]*"//; 1s/,report//' data/pairs.csv >data/alone.csv
narrow='"image.width=4","image.image_size=32"'
alone() { "$mgca" pretrain --data data/alone.csv --set loader.batch_size=4 --set fit.epochs=1 "$@"; }
expect 0 'all 1 epochs are done' alone --out moco --model moco-resnet-small --set "model.overrides=[$narrow,\"queue=10\"]"
grep -q 'held-out top-5' out || failed "MoCo tells how often it finds the other view"
absent moco/vocabulary.txt
expect 0 'done: alone.pack, 36 pictures of 36 x 36 pixels, ' "$mgca" pack --data data/alone.csv --out alone.pack --model simclr-resnet-small --set "model.overrides=[$narrow]"
expect 0 'all 1 epochs are done' alone --out simclr --pack alone.pack --model simclr-resnet-small --set "model.overrides=[$narrow]"
expect 3 'supervised-resnet-small learns from labels, and .*alone.csv has none' alone --out none --model supervised-resnet-small
expect 0 'all 1 epochs are done' alone --out labelled --model supervised-resnet-small --set "model.overrides=[$narrow]" --set data.labels=data/alone.csv --set 'data.label_columns=["Finding"]'
expect 3 'source.views is 1, but the model looks at 2' alone --out none --model simclr-resnet-small --set source.views=1
absent none
for run in moco labelled; do
  expect 2 'this model has no text tower' "$mgca" retrieve --run $run
  expect 2 'this model has no text tower' "$mgca" zeroshot --run $run --labels data/pairs.csv --columns Finding
  expect 2 'this model has no text tower' "$mgca" ground --run $run --phrases phrases.csv
  expect 2 'this model has no text tower' "$mgca" explain --run $run --row 35 --out none
  expect 0 'image.features +36 x 32' "$mgca" embed --run $run --data data/pairs.csv --out alone.safetensors
done
expect 0 'macro mean' "$mgca" classify --run moco --labels data/pairs.csv --columns Finding
expect 2 'this model has no text tower' "$mgca" report --run moco
expect 2 'this model has no text tower' "$mgca" embed --run moco --reports phrases.csv --out alone.safetensors

# The data moved: the same command with the new place goes on, --data helps the others.
mv data moved
expect 5 'pairs.csv: cannot open' "$mgca" retrieve --run a
expect 0 'recall at 10' "$mgca" retrieve --run a --data moved/pairs.csv
expect 0 'all 2 epochs are done' "$mgca" pretrain --data moved/pairs.csv "${tiny[@]}" --set fit.epochs=2 --out a
expect 0 'recall at 10' "$mgca" retrieve --run a
mv moved data

# Report text only where it was asked for, and then for the owner alone.
expect 0 'report.html' "$mgca" report --run b --data data/pairs.csv --show-text
grep -q Canarytext b/report.html || failed "--show-text shows no text"
[ "$(stat -c %a b/report.html)" = 600 ] || failed "a page with report text must be readable by its owner only"
grep -q CANARYPATIENT b/report.html && failed "a patient is on the page"

# --- a terminal gets a progress bar -----------------------------------------------------------------------------
script -qec "'$mgca' pretrain --data data/pairs.csv ${tiny[*]@Q} --set fit.epochs=8 --set fit.report_every=1 --out c" /dev/null >terminal </dev/null
grep -q "$(printf '\r')" terminal || failed "nothing is redrawn on a terminal"
grep -q 'training \[#*\.*\] [0-9]*/48  loss' terminal || failed "no progress bar on a terminal"
echo "ok: $cases cases"

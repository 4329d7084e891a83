#!/usr/bin/env bash
# mgca detect, mgca segment and the named protocols: drawings whose answer is known, seconds of training, complete results.
# shellcheck source-path=SCRIPTDIR source=expect.sh
. "$(dirname "$0")/expect.sh" "$@"

# --- which protocols there are ------------------------------------------------------------------------------------
expect 0 'mgca-scripts +detect +object-cxr +resnet +1 10 100 +scripts' "$mgca" config --protocols
grep -Eq 'chexzero +zeroshot +any +any +third_party' out || failed "a protocol for any data set"
expect 0 '"rate": 0.0002,' "$mgca" config --protocol mgca-scripts --task detect --dataset rsna --percent 1
grep -q '"note": "norms of the frozen tower drift' out || failed "a recipe has a note"
expect 0 'recipe.training.monitor +.?"loss' "$mgca" config --protocol mgca-paper --task detect --dataset rsna --table
expect 0 'recipe.pictures.side +512' "$mgca" config --protocol mgca-paper --task segment --dataset siim --tower resnet --table
expect 0 '"epochs": 3,' "$mgca" config --protocol g2d --task segment --dataset siim --set training.epochs=3
expect 0 '"split": "5x200"' "$mgca" config --protocol gloria --task zeroshot --dataset chexpert
expect 3 'say which: resnet or vit' "$mgca" config --protocol mgca-scripts --task segment --dataset siim
expect 3 "no protocol 'mgca'" "$mgca" config --protocol mgca --task detect --dataset rsna
expect 2 'task' "$mgca" config --protocol mgca-paper --dataset rsna

# --- masks --------------------------------------------------------------------------------------------------------
expect 0 'done: 40 studies' "$mgca" prepare synthetic --out drawn --set count=40
small=(--data drawn --device cpu --resamples 20 --set training.epochs=1)
unet=("${small[@]}" --random mgca-resnet-small --tower width=4)
expect 0 'all +[01]\.[0-9]+ \+- [01]\.' "$mgca" segment "${unet[@]}" --seeds 2 --out masks
grep -q 'epoch 1/1   loss .* held-out loss .* held-out soft Dice' out || failed "a line for each epoch"
for file in results.json results.md results.tex segment.html seed-42.csv seed-43.csv seed-42.safetensors seed-43.safetensors; do [ -s masks/$file ] || failed "masks/$file is missing"; done
[ "$(head -1 masks/seed-42.csv)" = 'row,patient_number,dice,iou,hausdorff95,predicted,truth' ] || failed "segment tells every image"
grep -q '"set": "synthetic"' masks/results.json || failed "the prepared folder tells its data set"
cmp -s masks/seed-42.csv masks/seed-43.csv && failed "two seeds gave the same scores"
expect 0 'dice' "$mgca" segment "${small[@]}" --random mgca-vit-tiny --tower image_size=32 --tower depth=1 --percent 100 --out vit
grep -q '"side": 32,' vit/results.json || failed "--tower image_size changes the size of pictures"
expect 3 "no recipe for the data set 'synthetic'" "$mgca" segment "${unet[@]}" --protocol mgca-scripts --out none
expect 2 'this image tower reads 64; make it read them \(--tower image_size=224' "$mgca" segment "${unet[@]}" --protocol mgca-scripts --dataset siim --out none
expect 3 "image tower 'vit'; Known: resnet" "$mgca" segment "${small[@]}" --random mgca-vit-tiny --protocol g2d --dataset siim --out none
expect 0 'training.epochs 1 instead of 50' "$mgca" segment "${unet[@]}" --protocol mgca-scripts --dataset siim --set pictures.side=64 --out named
for what in '"option": "pictures.side"' '"option": "tower.width"' '"option": "data.set"' '"profile": "official"' '"metric": "dice_over_batches"'; do
  grep -q "$what" named/results.json || failed "results.json does not tell $what"
done
expect 3 'did you mean .epochs' "$mgca" segment "${unet[@]}" --set training.epoch=1 --out none
expect 2 '--out is missing' "$mgca" segment "${unet[@]}"

# --- boxes --------------------------------------------------------------------------------------------------------
boxes=("${small[@]}" --random mgca-resnet-small --set head.width=16 --set training.find.confidence=0.01)
expect 0 'AP50' "$mgca" detect "${boxes[@]}" --out boxes --drawings 2
grep -q 'held-out mAP' out || failed "a line for each epoch"
for file in results.json results.md results.tex seed-42.csv seed-42.safetensors; do [ -s boxes/$file ] || failed "boxes/$file is missing"; done
[ "$(head -1 boxes/seed-42.csv)" = 'row,patient_number,truth,found,scores' ] && [ "$(find boxes/drawings -name '*.png' | wc -l)" = 2 ] || failed "detect tells and draws pictures"
expect 0 'Protocol mgca-scripts .scripts., changed: .*head.width 16 instead of 512' "$mgca" detect "${boxes[@]}" --protocol mgca-scripts --dataset rsna --set pictures.side=64 --drawings 0 --out named_boxes
grep -q '"arithmetic": "published"' named_boxes/results.json || failed "the protocol decides how detection is trained"
expect 2 'vision transformer' "$mgca" detect "${small[@]}" --random mgca-vit-tiny --out none
expect 2 'this image tower reads 64' "$mgca" detect "${boxes[@]}" --set pictures.side=96 --out none
expect 4 'no picture of the training split has a box' "$mgca" detect --data data/pairs.csv --random mgca-resnet-small --device cpu --out none
absent none

# --- a kill -------------------------------------------------------------------------------------------------------
long=("$mgca" segment "${unet[@]}" --set training.epochs=12)
expect 0 'all +[01]' "${long[@]}" --out whole
absent whole/training
"${long[@]}" --out killed >>everything 2>&1 &
run=$!
for ((i = 0; i < 6000; ++i)); do [ -z "$(compgen -G 'killed/training/seed-42/checkpoints/step-*.safetensors')" ] || break; sleep 0.02; done
kill -9 $run
got=0; wait $run || got=$?
[ $got = 137 ] || failed "the training was to be killed before its end, it ended with $got"
expect 3 'recipe.rate: the checkpoint has 0.0005, this run 0.001' "${long[@]}" --set training.rate=1e-3 --out killed  # another recipe does not go on with it
expect 0 'goes on in epoch' "${long[@]}" --out killed
cmp -s whole/seed-42.csv killed/seed-42.csv || failed "a killed training ended with other scores"
absent killed/training

# --- several ranks ------------------------------------------------------------------------------------------------
expect 0 'all +[01]\.' "$mgca" segment "${unet[@]}" --ranks 2 --out masks_ranks
for masks in masks masks_ranks; do
  cut -d, -f3,4 $masks/seed-42.csv >$masks/overlap
  cut -d, -f1,2,6,7 $masks/seed-42.csv >$masks/pixels
done
near masks/overlap masks_ranks/overlap 0.02  # a few pixels lie at the threshold
near masks/pixels masks_ranks/pixels 60
expect 0 'AP50' "$mgca" detect "${boxes[@]}" --ranks 2 --out boxes_ranks --drawings 2
near boxes/results.md boxes_ranks/results.md 0.01
for boxes in boxes boxes_ranks; do cut -d, -f1-3 $boxes/seed-42.csv >$boxes/truth; done
same_files boxes/truth boxes_ranks/truth
[ "$(find boxes_ranks/drawings -name '*.png' | wc -l)" = 2 ] || failed "rank 0 draws"
probe=("$mgca" classify "${small[@]}" --random mgca-resnet-small --tower width=4)
for how in '' --fine-tune; do
  # shellcheck disable=SC2086  # a word or none
  expect 0 'AUROC' "${probe[@]}" $how --out classes"$how"
  # shellcheck disable=SC2086
  expect 0 'AUROC' "${probe[@]}" $how --ranks 2 --out ranks"$how"
  [ -n "$how" ] || same_files classes/scores-seed42.csv ranks/scores-seed42.csv  # features are computed by both, the classifier by each alike
  near classes"$how"/results.md ranks"$how"/results.md 0.02
done
expect 2 'a batch_size of 8 does not divide among 3 ranks; use 9' "$mgca" segment "${unet[@]}" --ranks 3 --out none
absent none
port=$((20000 + RANDOM % 10000))
as_rank() { env RANK="$1" WORLD_SIZE=2 LOCAL_RANK="$1" MASTER_ADDR=127.0.0.1 MASTER_PORT=$port "${@:2}"; }
as_rank 1 "${probe[@]}" --out job1 --seed 2 >other 2>&1 &
run=$!
expect 3 '--out: rank 1 has job1, rank 0 job0' as_rank 0 "${probe[@]}" --out job0 --seed 1  # two jobs that a launcher started together
wait $run && failed "a rank of another job went on"
grep -q 'image tower: rank 1 has ' err || failed "another image tower is not told"
absent job0
absent job1
long+=(--set training.epochs=20 --set training.patience=20)
expect 0 'all +[01]\.' "${long[@]}" --ranks 2 --out whole_ranks
"${long[@]}" --ranks 2 --rank-timeout 5 --max-restarts 1 --out killed_ranks >out 2>err &
run=$!
until_there $run 'killed_ranks/training/seed-42/checkpoints/step-*.safetensors'
victim=$(process_of $run 1) || failed "training was over before a rank could be killed"
kill -KILL "$victim"
got=0; wait $run || got=$?
cat out err >>everything
[ $got = 0 ] || failed "ended with $got after a restart"
grep -q 'rank 1 lost: killed by signal 9; all ranks are started again (1 of 1)' err || failed "the restart is not told"
grep -q 'goes on in epoch' out || failed "what was trained is lost"
for file in seed-42.csv seed-42.safetensors results.json; do same_files whole_ranks/$file killed_ranks/$file; done
absent killed_ranks/training
"${long[@]}" --ranks 2 --out stopped_ranks >out 2>err &
run=$!
until_there $run 'stopped_ranks/training/seed-42/checkpoints/step-*.safetensors'
kill -TERM $run || failed "training was over before it could be stopped"
got=0; wait $run || got=$?
[ $got = 143 ] || failed "a terminated training ended with $got"
expect 0 'goes on in epoch' "${long[@]}" --ranks 2 --out stopped_ranks
same_files whole_ranks/seed-42.csv stopped_ranks/seed-42.csv
cases=$((cases + 2))

rm -rf drawn  # the prepared tables hold reports and patients: they are data
no_canaries
echo "ok: $cases cases"

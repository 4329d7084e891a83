#!/usr/bin/env bash
# A whole study with the program alone: two towers learn from drawings and their reports, then classify, find and outline findings in drawings
# they have never seen, name them by sentences and find reports; the same once more with towers that learned nothing.
#   study.sh MGCA FOLDER        build/bin/mgca, and where everything is written; about 15 minutes on two cores
set -euo pipefail
mgca=$1 out=$2
mkdir -p "$out"
cd "$out"

# Nobody is in two of them: other seeds draw other patients.
drawings() { [ -s "$1/manifest.json" ] || "$mgca" prepare synthetic --out "$1" --set count="$2" --set seed="$3"; }
drawings pairs 42000 1    # 70 % to learn from
drawings labelled 10000 2 # with labels, boxes and masks
drawings gallery 1150 3   # 20 % to search in: more than 200 different reports

# Report words stay as told apart as they are at the start; local contrast makes fine texture weigh as much as anatomy.
pretrain() {
  "$mgca" pretrain --data pairs --model mgca-resnet-small --set vocabulary_size=300 --set source.stored_side=64 \
    --set 'model.overrides=["image.stem=imagenet","text.dropout=0","frozen_text=true","token_weight=0","prototype_weight=0"]' \
    --set source.local_contrast.radius=3 --set source.augmentation.random_crop=false --set source.augmentation.moved=0 \
    --set source.augmentation.jittered=0 --set loader.batch_size=64 --set fit.schedule.rate=3e-3 "$@"
}
pretrain --out pretrained --set fit.epochs=5
pretrain --out random --set fit.epochs=0

# A finding is asked for by the sentences of reports that name it, against those that name another.
kinds=(nodule consolidation atelectasis reticulation pneumothorax)
sentences() {
  local kind size place
  for kind in "$@"; do
    for size in small large; do
      for place in 'left upper' 'left middle' 'left lower' 'right upper' 'right middle' 'right lower'; do
        printf '"There is a %s %s in the %s zone.", ' "$size" "$kind" "$place"
      done
    done
  done | sed 's/, $//'
}
{
  printf '{"classes": ['
  for kind in "${kinds[@]}"; do
    [ "$kind" = nodule ] || printf ', '
    mapfile -t others < <(printf '%s\n' "${kinds[@]}" | grep -v "$kind")
    printf '{"name": "%s", "present": [%s], "absent": [%s]}\n' "$kind" "$(sentences "$kind")" "$(sentences "${others[@]}")"
  done
  printf ']}\n'
} >prompts.json

# A decoder alone learns much from 7,000 masks and boxes: 1 % of the masks and 10 % of the boxes show what the tower brings.
anchors='[200,200,300,300,400,400,110,110,130,130,160,160,62,62,75,75,87,87]'
for run in pretrained random; do
  "$mgca" classify --data labelled --run $run --out $run/classify --standardise --set training.rate=3e-3
  "$mgca" detect --data labelled --run $run --out $run/detect --percent 10 --set training.epochs=12 --set training.rate=3e-3 \
    --set training.schedule=warmup_cosine --set head.width=64 --set head.assignment=one_grid --set "head.anchors=$anchors" \
    --set training.find.confidence=0.05 --set training.find.pixel=0
  "$mgca" segment --data labelled --run $run --out $run/segment --percent 1 --set training.epochs=20 --set training.patience=20 \
    --set training.rate=2e-3 --set training.schedule=warmup_cosine
  "$mgca" zeroshot --data labelled --run $run --out $run/zeroshot --prompts prompts.json --ensemble highest
  "$mgca" retrieve --data gallery --run $run --out $run/retrieve
done
for task in classify detect segment zeroshot retrieve; do
  "$mgca" compare pretrained/$task random/$task
done

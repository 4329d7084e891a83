#!/usr/bin/env bash
# mgca classify and mgca compare: from a prepared folder without reports to tables with intervals.
# shellcheck source-path=SCRIPTDIR source=expect.sh
. "$(dirname "$0")/expect.sh" "$@"

# A table of labels alone, with training subsets and a second, exclusive set of columns; every second row is of one patient.
awk -F, -v OFS=, 'NR == 1 { print "image", "patient", "split", "percent", "Finding", "Rare", "A", "B"; next }
  { n = NR - 1; print "images/" n ".jpg", "CANARYPATIENT" int((n + 1) / 2), (n <= 24 ? "train" : n <= 30 ? "valid" : "test"),
    (n <= 24 ? (n <= 8 ? 10 : 100) : ""), n % 2, (n == 3 || n == 26 ? 1 : n % 5 == 0 ? "" : 0), n % 3 == 0, n % 3 != 0 }' data/pairs.csv >data/labels.csv
quick=(--random mgca-vit-tiny --data data/labels.csv --columns Finding Rare --resamples 50 --device cpu)

expect 0 'macro mean' "$mgca" classify "${quick[@]}" --set training.epochs=3 --out a
for file in results.json results.md results.tex classify.html scores-seed42.csv; do [ -s a/$file ] || failed "a/$file is missing"; done
grep -q '"train": 24' a/results.json || failed "the protocol does not tell how many records were used"
grep -q '"stored_features": true' a/results.json || failed "without augmentation features are computed once"
grep -q '^| Rare | undefined |' a/results.md || failed "a label without a positive is undefined"
[ "$(wc -l <a/scores-seed42.csv)" = 7 ] || failed "a line of scores for each test picture"
[ "$(head -1 a/scores-seed42.csv)" = 'row,patient_number,Finding,Finding logit,Rare,Rare logit' ] || failed "header of the scores"
cp a/scores-seed42.csv first
expect 0 'macro mean' "$mgca" classify "${quick[@]}" --set training.epochs=3 --out a
same_files first a/scores-seed42.csv

expect 0 'seed 43: 1 epochs' "$mgca" classify "${quick[@]}" --percent 10 --seeds 2 --standardise --set training.epochs=1 --out b
grep -q '"train": 8' b/results.json || failed "10 percent are 8 records"
grep -q '+-' b/results.md || failed "several seeds have a mean and a deviation"
expect 0 'Finding +auroc .* DeLong' "$mgca" compare a b --resamples 50 --out ab
grep -q 'Mean over' out && failed "one seed is shared, there is no mean"
grep -Eq 'Finding +calls .*\([0-9]+ : [0-9]+\).*McNemar' out || failed "calls are compared"
grep -q '50 resamples of 3 patients' out || failed "patients are drawn"
for file in compare.json compare.md compare.tex; do [ -s ab/$file ] || failed "ab/$file is missing"; done
grep -q '"p_holm"' ab/compare.json || failed "p-values corrected for the labels"
expect 0 'Mean over 2 pairs of seeds' "$mgca" compare b b --resamples 50 --out bb
grep -Eq '^ *43 and 43 +macro mean, auroc' out || failed "a line for each pair of seeds"
grep -Eq '"difference": 0' bb/compare.json || failed "nothing differs from itself"
awk -F, -v OFS=, 'NR == 3 { $3 = 1 - $3 } { print }' b/scores-seed43.csv >changed && cp -r b changed_b && mv changed changed_b/scores-seed43.csv
expect 4 'the pictures scored or their truth differ' "$mgca" compare b changed_b

expect 0 'all classes' "$mgca" classify --random mgca-vit-tiny --data data/labels.csv --columns A B --resamples 50 --device cpu --exclusive --augment moco2_transform --set training.epochs=1 --out c
grep -q '"stored_features": false' c/results.json || failed "augmented pictures go through the tower"
expect 0 'seed 42: 1 epochs' "$mgca" classify "${quick[@]}" --fine-tune --set training.epochs=1 --set training.batch_size=8 --out d
grep -q '"trained": "all"' d/results.json || failed "fine-tuning is told"
grep -q '^No named protocol' a/results.md && grep -q 'no named protocol' a/results.json || failed "a result without a protocol says so"

# A named protocol: the tower's other size is refused until it is asked for, and the result names all that differs.
named=("${quick[@]}" --protocol mgca-scripts)
expect 2 'pass --dataset NAME' "$mgca" classify "${named[@]}" --out e
expect 3 "no recipe for the data set 'chexprt'; did you mean 'chexpert'" "$mgca" classify "${named[@]}" --dataset chexprt --out e
expect 2 'pictures of 224 pixels are asked for, this image tower reads 64' "$mgca" classify "${named[@]}" --dataset chexpert --out e
expect 0 'Protocol mgca-scripts .scripts., changed: .*training.epochs 1 instead of 50' "$mgca" classify "${named[@]}" --dataset chexpert --seed 7 --set training.epochs=1 --set pictures.stored_side=73 --set pictures.augmentation.crop=64 --out n
for what in '"option": "pictures.augmentation.crop"' '"option": "training.seed"' '"option": "resamples"' '"option": "tower.depth"' '"option": "data.prepared"' '"name": "mgca-scripts"' '"flip": 0.5'; do
  grep -q "$what" n/results.json || failed "results.json does not tell $what"
done
grep -q 'training.epochs 1 instead of 50' n/results.md && grep -q 'training.epochs 1 instead of 50' n/results.tex || failed "the tables name what differs"
expect 2 'only where they are computed once' "$mgca" classify "${quick[@]}" --standardise --fine-tune --out e
expect 4 'the labels differ' "$mgca" compare a c
expect 4 '1 % subset' "$mgca" classify "${quick[@]}" --percent 1 --out e
expect 2 'one of --run FOLDER, --weights FILE and --random MODEL' "$mgca" classify --data data/labels.csv --columns Finding --out e
expect 2 'there are no labels' "$mgca" classify --random mgca-vit-tiny --data data/labels.csv --out e
expect 3 'training.epoch' "$mgca" classify "${quick[@]}" --set training.epoch=3 --out e
expect 3 "'optimizer'|no option changes" "$mgca" classify "${quick[@]}" --set 'fixed={"optimizer":"SGD"}' --out e
absent e

# Boxes and masks: results by hand, of which the answer is known.
result() { mkdir -p "$1"; echo "{\"task\": \"$2\", \"seeds\": [{\"seed\": 1}]}" >"$1/results.json"; cat >"$1/seed-1.csv"; }
printf 'row,truth,found,scores\n1,10 10 20 20,10 10 20 20,0.9\n2,30 30 50 50,,\n' | result boxes detect
printf 'row,truth,found,scores\n1,10 10 20 20,,\n2,30 30 50 50,,\n' | result none detect
expect 0 'all +AP50 +0.505 +0.000 +0.505' "$mgca" compare boxes none --resamples 50
grep -q '50 resamples of 2 pictures, since their patients are not told' out || failed "whether patients are drawn"
printf 'row,truth,found,scores\n1,10 10 20 20,1 2 3,0.9\n2,30 30 50 50,,\n' | result odd detect
expect 4 "row 1 .*column 'found': .*four numbers a box" "$mgca" compare boxes odd
printf 'row,patient_number,dice,iou,hausdorff95,predicted,truth\n1,0,0.5,0.4,,7,8\n2,0,1,1,2,9,9\n3,1,0.6,0.5,4,5,5\n' | result masks segment
printf 'row,patient_number,dice,iou,hausdorff95,predicted,truth\n1,0,0.2,0.1,3,7,8\n2,0,1,1,2,9,9\n3,1,0.6,0.5,4,5,5\n' | result other segment
expect 0 'all +dice +0.700 +0.600 +0.100 .0.000, 0.150. ' "$mgca" compare masks other --resamples 200
grep -q '200 resamples of 2 patients' out || failed "patients are drawn where they are told"
expect 4 'the tasks .segment and detect. differ' "$mgca" compare masks boxes

no_canaries
echo "ok: $cases cases"

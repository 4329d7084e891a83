#!/usr/bin/env bash
# Whatever is wrong with what a person hands over: one message that says what and where, the documented exit code, nothing
# half-written, nothing lost, and no report text or patient in any output.
# shellcheck source-path=SCRIPTDIR source=expect.sh
. "$(dirname "$0")/expect.sh" "$@"

on() { local table=$1; shift; "$mgca" pretrain --data "$table" "${tiny[@]}" --out fresh "$@"; }

# --- the table and its images -----------------------------------------------------------------------------------
expect 5 'nowhere.csv: cannot open' on nowhere.csv
row 3 'images/none.jpg,Frontal view.,CANARYPATIENT2,train,1'
expect 5 'changed.csv: row 3: .*none.jpg: cannot open.*mgca check' on data/changed.csv
head -c 2000 data/images/7.jpg >data/images/short.jpg
row 5 'images/short.jpg,Frontal view.,CANARYPATIENT3,train,1'
expect 4 'changed.csv: row 5: .*short.jpg: damaged' on data/changed.csv
printf '\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\0\0\0\0' >data/images/short.png
row 5 'images/short.png,Frontal view.,CANARYPATIENT3,train,1'
expect 4 'changed.csv: row 5: .*short.png: damaged' on data/changed.csv
row 5 'images/short.png,Frontal view.,CANARYPATIENT3,valid,1'
expect 4 'changed.csv: .*damaged|one patient in two splits' on data/changed.csv
echo 'text, not an image' >data/images/text.jpg
row 6 'images/text.jpg,Frontal view.,CANARYPATIENT3,train,1'
expect 4 'row 6: .*neither PNG nor JPEG' on data/changed.csv
row 6 '../outside.jpg,Frontal view.,CANARYPATIENT3,train,1'
expect 4 "row 6 .*the image path holds '..'" on data/changed.csv
row 9 'images/9.jpg,"  ",CANARYPATIENT5,train,1'
expect 4 'changed.csv.*report of row 9 .*remove the row' on data/changed.csv
row 9 'images/9.jpg,a report, with commas and no quotes,CANARYPATIENT5,train,1'
expect 4 'row 9 .*: 6 cells, the header has 5; quote' on data/changed.csv
row 30 'images/30.jpg,Frontal view.,CANARYPATIENT1,valid,1'
expect 4 'row 30: the patient of row 1, which is in another split' on data/changed.csv
cp data/images/1.jpg data/images/copy.jpg
row 36 'images/copy.jpg,Frontal view.,CANARYPATIENT18,test,1'
expect 4 'row 36: the same picture under another name as row 1, which is in another split' on data/changed.csv
sed '1s/report/reports/' data/pairs.csv >data/changed.csv
expect 4 "no column 'report'; did you mean 'reports'" on data/changed.csv
sed 1d data/pairs.csv >data/changed.csv
expect 4 'header' on data/changed.csv
cut -d, -f1-2 data/pairs.csv | sed 's/$/"/; 1s/"$//' >data/changed.csv
expect 4 "no column 'split'.*train, valid" on data/changed.csv
sed 's/,train,/,Train,/' data/pairs.csv >data/changed.csv
expect 4 "split 'train': no record.*'Train'" on data/changed.csv
: >data/changed.csv
expect 4 'the file is empty' on data/changed.csv
head -1 data/pairs.csv >data/changed.csv
expect 4 'no row' on data/changed.csv

# --- options ----------------------------------------------------------------------------------------------------
expect 3 "unknown key; did you mean 'epochs'" pretrain --out fresh --set fit.epoch=3
expect 3 'expected integer, got string' pretrain --out fresh --set fit.epochs=many
expect 3 'expected key=value' pretrain --out fresh --set fit.epochs
expect 3 'epochs' pretrain --out fresh --set fit.epochs=-1
expect 3 "no model 'mgca-vit-tinny'; did you mean 'mgca-vit-tiny'" "$mgca" pretrain --data data/pairs.csv --out fresh --model mgca-vit-tinny
expect 3 "unknown key; did you mean 'depth'" pretrain --out fresh --set 'model.overrides=["image.dept=2"]'
expect 3 'crop is 32, but the model reads images of 64 pixels' pretrain --out fresh --set source.augmentation.crop=32
echo '{"fit": {"epochs": 2, "shedule": {}}}' >wrong.json
expect 3 "wrong.json: .*unknown key; did you mean 'schedule'" on data/pairs.csv --config wrong.json
echo '{"fit": ' >wrong.json
expect 3 'wrong.json: not valid JSON at line' on data/pairs.csv --config wrong.json
expect 2 'form no batch of 4000; use a smaller' pretrain --out fresh --set loader.batch_size=4000
expect 2 "device 'gpu': expected cpu, cuda" pretrain --out fresh --device gpu
expect 3 "unknown value 'f64'; did you mean 'f32'" pretrain --out fresh --precision f64
if ! has_gpu; then
  expect 2 'device cuda: .*no CUDA; use --device cpu' pretrain --out fresh --device cuda
  expect 2 'f16 needs a GPU' pretrain --out fresh --precision f16
fi
head -50 "$sample/vocab/bert-base-cased-vocab.txt" | sed 1d >no-special.txt
expect 4 'no-special.txt: the special token .* is missing' pretrain --out fresh --vocabulary no-special.txt
expect 2 '--set excludes --resume' "$mgca" pretrain --resume --out fresh --set fit.epochs=9
expect 5 'nothing to resume' "$mgca" pretrain --resume --out fresh
absent fresh  # none of the above left a folder

# --- folders ----------------------------------------------------------------------------------------------------
touch plain-file
expect 5 'plain-file: cannot make a run folder here: Not a directory' pretrain --out plain-file/run
if [ "$(id -u)" = 0 ]; then
  mkdir -m 755 locked
  chmod -R a+rX . && cp "$mgca" program && chmod a+rx program
  expect 5 'locked: cannot write here; choose another --out: Permission denied' \
    setpriv --reuid=65534 --regid=65534 --clear-groups ./program pretrain --data data/pairs.csv "${tiny[@]}" --out locked/run
else
  mkdir -m 555 locked
  expect 5 'locked: cannot write here; choose another --out: Permission denied' pretrain --out locked/run
fi
absent locked/run
expect 5 'not a run folder: it holds no config.json' "$mgca" retrieve --run locked
expect 5 'not a run folder' "$mgca" classify --run nowhere

# --- a run that has begun keeps what it is ----------------------------------------------------------------------
expect 0 'all 2 epochs are done' pretrain --out run --set fit.epochs=2
before=$(contents run)
unchanged() { [ "$before" = "$(contents run)" ] || failed "the run folder changed"; }
expect 3 'fit.epochs: the run has 2, you ask for 3' pretrain --out run --set fit.epochs=3
expect 3 'model.overrides: the run has' pretrain --out run --set fit.epochs=2 --set 'model.overrides=["image.image_size=32"]'
expect 3 'begun with another vocabulary' pretrain --out run --set fit.epochs=2 --vocabulary "$sample/vocab/bert-base-cased-vocab.txt"
sed 's/number 3\./number three./' data/pairs.csv >data/changed.csv
expect 3 'begun with another data set' "$mgca" pretrain --data data/changed.csv "${tiny[@]}" --set fit.epochs=2 --out run
cp -r run spoilt
expect 2 'row 99 is outside 1 .. 36' "$mgca" explain --run run --row 99 --out shown
absent shown
expect 2 'no labels; pass --labels' "$mgca" classify --run run
expect 4 "no column 'Findings'; did you mean 'Finding'" "$mgca" classify --run run --labels data/pairs.csv --columns Findings
expect 4 "split 'tests': no record belongs to it" "$mgca" retrieve --run run --split tests

# Weights, vocabulary, configuration and checkpoints that do not fit each other, or are damaged.
spoil() { rm -rf spoilt; cp -r run spoilt; }
spoil; head -c 5000 run/best.safetensors >spoilt/best.safetensors
expect 4 'best.safetensors: not a valid safetensors file' "$mgca" retrieve --run spoilt
spoil; rm spoilt/best.safetensors
expect 5 'best.safetensors is missing: .*mgca pretrain --resume' "$mgca" retrieve --run spoilt
spoil; cp "$sample/vocab/bert-base-cased-vocab.txt" spoilt/vocabulary.txt
expect 4 'vocabulary: the weights were trained with "[0-9a-f]{64}", here it is "[0-9a-f]{64}"' "$mgca" retrieve --run spoilt
spoil; sed -i 's/"image.width=16"/"image.image_size=32", "image.width=16"/; s/"crop": 64/"crop": 32/' spoilt/config.json
expect 4 'image_size: the weights were trained with 64, here it is 32' "$mgca" retrieve --run spoilt
spoil; sed -i 's/image.width=16/image.width=32/' spoilt/config.json
expect 4 'the weights do not fit the model' "$mgca" retrieve --run spoilt
spoil; for file in spoilt/checkpoints/step-*; do head -c 3000 "$file" >shorter && mv shorter "$file"; done
spoilt_before=$(contents spoilt)
expect 4 'no checkpoint is whole; move the folder away' "$mgca" pretrain --resume --out spoilt
[ "$(contents spoilt | grep -v events)" = "$(echo "$spoilt_before" | grep -v events)" ] || failed "a refused resume changed the folder"
unchanged

# --- memory, disk, size limit -----------------------------------------------------------------------------------
limited() { (ulimit -v "$1"; shift; "$@"); }
expect 5 'out of memory; use a smaller' limited 3000000 "$mgca" pretrain --data data/pairs.csv --out fresh-memory --set loader.batch_size=24 \
  --set 'model.overrides=["image.image_size=1024","image.width=64"]' --set vocabulary_size=120
# A file over the user's limit. The first checkpoint does not fit; what stands in the folder is whole.
small_files() { (ulimit -f 100; "$@"); }
expect 5 'cannot write: File too large' small_files pretrain --out fresh-limit --set fit.epochs=2
no_temporaries fresh-limit
expect 0 'all 2 epochs are done' pretrain --out fresh-limit --set fit.epochs=2
same_files run/best.safetensors fresh-limit/best.safetensors
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
  mkdir disk
  # The disk fills up in the run, the run says so and ends; with room again it goes on to the same last bit.
  full_disk() {
    # shellcheck disable=SC2016  # the inner shell expands
    unshare -m bash -euc 'mount -t tmpfs -o size=4m none disk; code=0; "$@" || code=$?; mkdir -p saved; cp -r disk/run saved/; exit $code' -- "$@"
  }
  expect 5 'No space left on device' full_disk "$mgca" pretrain --data data/pairs.csv "${tiny[@]}" --set fit.epochs=2 --set fit.keep_checkpoints=9 --set fit.checkpoint_every=1 --out disk/run
  no_temporaries saved
  for file in saved/run/checkpoints/step-*; do [ -s "$file" ] || failed "an empty checkpoint was left"; done
  expect 0 'all 2 epochs are done' "$mgca" pretrain --resume --out saved/run
  same_files run/best.safetensors saved/run/best.safetensors
fi

# --- two runs in one folder -------------------------------------------------------------------------------------
"$mgca" pretrain --data data/pairs.csv "${tiny[@]}" --set fit.epochs=100000 --set patience=100000 --out shared >first 2>&1 &
first=$!
trap 'kill -9 $first 2>/dev/null || true' EXIT
for ((i = 0; i < 600; ++i)); do [ ! -e shared/history.csv ] || break; sleep 0.1; done
expect 5 "another run works in this folder \\(host .*, process $first\\)" pretrain --out shared --set fit.epochs=100000 --set patience=100000
kill -9 $first
got=0; wait $first 2>/dev/null || got=$?
[ $got = 137 ] || failed "the first run ended with $got before it was killed"
expect 0 'recall at 10' "$mgca" retrieve --run shared  # the lock died with its owner, what was saved is whole

no_canaries
echo "ok: $cases cases"

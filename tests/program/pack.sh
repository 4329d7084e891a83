#!/usr/bin/env bash
# A pack is made once, goes on where it was stopped, and trains to the same numbers as the image files.
# shellcheck source-path=SCRIPTDIR source=expect.sh
. "$(dirname "$0")/expect.sh" "$@"

pack() { "$mgca" pack --data data/pairs.csv "${tiny[@]}" "$@"; }

# --- making one ---------------------------------------------------------------------------------------------------
expect 2 '--out is required' "$mgca" pack --data data/pairs.csv
expect 2 'pack: --data is missing' "$mgca" pack --out p.pack
expect 0 'done: p.pack, 36 pictures of 73 x 73 pixels with their reports as tokens' pack --out p.pack
grep -q 'mgca pretrain --pack p.pack' out || failed "pack does not say what comes next"
no_temporaries .
absent p.pack.part
absent p.pack.part-index
sha256sum p.pack >before
expect 0 '36 pictures were there already' pack --out p.pack
sha256sum --check --quiet before || failed "a second call changed the pack"
expect 4 'side: the pack has 73, you ask for 80' pack --out p.pack --set source.stored_side=80
expect 0 'done: q.pack, 36 pictures of 73 x 73 pixels, ' pack --out q.pack --pictures-only

# --- killed and gone on -------------------------------------------------------------------------------------------
{
  echo image,report,patient,split
  for ((k = 0; k < 300; k++)); do for ((i = 1; i <= 36; i++)); do echo "data/images/$i.jpg,Frontal view.,P$i,train"; done; done
} >many.csv
many=("$mgca" pack --data many.csv --set source.local_contrast.radius=3)
# until_begun FILE: some records are written.
until_begun() {
  for ((i = 0; i < 3000; i++)); do
    [ "$(stat -c %s "$1.part-index" 2>/dev/null || echo 0)" -lt 2048 ] || return 0
    sleep 0.02
  done
  failed "$1 did not begin"
}
"${many[@]}" --out k.pack --threads 1 >out 2>err &
job=$! got=0
until_begun k.pack
kill -9 $job
wait $job 2>/dev/null || got=$?
[ $got = 137 ] || failed "the pack was to be killed at work, it ended with $got"
absent k.pack
expect 0 'pictures were there already' "${many[@]}" --out k.pack
expect 0 'done: l.pack, 10800 pictures' "${many[@]}" --out l.pack
same_files k.pack l.pack
"${many[@]}" --out m.pack --threads 1 >out 2>err &
job=$! got=0
until_begun m.pack
kill -TERM $job
wait $job || got=$?
[ $got = 143 ] || failed "a stopped pack ends with 143, not with $got"
grep -q 'the same command goes on' out || failed "a stopped pack says how to go on"
absent m.pack
rm -f ./[klm].pack* many.csv

# --- training from it ---------------------------------------------------------------------------------------------
expect 0 'all 1 epochs are done' pretrain --out files --set fit.epochs=1
expect 0 'all 1 epochs are done' pretrain --out packed --pack p.pack --set fit.epochs=1
same_files files/best.safetensors packed/best.safetensors
grep -q '"pack": "[0-9a-f]\{64\}"' packed/manifest.json || failed "the manifest does not tell the pack"
grep -q '"files": "[0-9a-f]\{64\}"' packed/data_check.json || failed "the check of the data does not tell the state of the pack"
grep -q '"pack": ""' files/manifest.json || failed "a manifest tells of a pack that is not there"
expect 0 'holds no tokens of this vocabulary' pretrain --out plain --pack q.pack --set fit.epochs=1
same_files files/best.safetensors plain/best.safetensors
expect 0 'all 1 epochs are done' pretrain --out packed --set fit.epochs=1  # the run goes on from the image files: the same data
expect 0 'recall at 10' "$mgca" retrieve --run plain

# --- a pack that does not fit, or is damaged ----------------------------------------------------------------------
head -n 36 data/pairs.csv >data/fewer.csv
expect 4 'the pack has 36, the data 35' "$mgca" pretrain --data data/fewer.csv "${tiny[@]}" --out r --pack p.pack
absent r
cp p.pack damaged.pack
printf '\x55' | dd of=damaged.pack bs=1 seek=$((4096 + 5 * 8192 + 700)) conv=notrunc status=none
expect 4 'damaged.pack: record 5 \(row 6\) is damaged' pretrain --out r2 --pack damaged.pack --set fit.epochs=1
expect 4 'record 5 \(row 6\) is damaged' pretrain --out r3 --pack damaged.pack --set pack_check=at_open
absent r3
head -c 100000 p.pack >short.pack
expect 4 'short.pack: 100000 bytes, expected' pretrain --out r3 --pack short.pack

# --- bad pictures -------------------------------------------------------------------------------------------------
head -c 900 data/images/3.jpg >data/images/short.jpg
row 3 'images/short.jpg,Frontal view.,CANARYPATIENT2,train,0'
expect 4 'row 3: images/short.jpg' "$mgca" pack --data data/changed.csv "${tiny[@]}" --out bad.pack
expect 4 '1 of 36 pictures cannot be read, more than the limit of 1 %' "$mgca" pack --data data/changed.csv "${tiny[@]}" --out bad.pack --bad skip
expect 3 'skipp' "$mgca" pack --data data/changed.csv "${tiny[@]}" --out bad.pack --bad skipp
expect 0 '1 could not be read and have no picture' "$mgca" pack --data data/changed.csv "${tiny[@]}" --out bad.pack --bad replace --set source.bad.limit=0.1
expect 4 'row 3' "$mgca" pretrain --data data/changed.csv "${tiny[@]}" --out s --pack bad.pack
expect 0 '1 pictures cannot be read \(rows 3\)' "$mgca" pretrain --data data/changed.csv "${tiny[@]}" --out s --pack bad.pack --set fit.epochs=1 --set source.bad.policy=replace --set source.bad.limit=0.1
grep -q '"bad": 1' s/manifest.json || failed "the manifest does not count bad pictures"
expect 0 'all 1 epochs are done' "$mgca" pretrain --data data/changed.csv "${tiny[@]}" --out t --set fit.epochs=1 --set source.bad.policy=replace --set source.bad.limit=0.1
same_files s/best.safetensors t/best.safetensors

no_canaries
echo "ok: $cases cases"

#!/usr/bin/env bash
# Ctrl-C and SIGTERM leave a run that goes on to the same last bit; a second Ctrl-C does not wait.
# shellcheck source-path=SCRIPTDIR source=expect.sh
. "$(dirname "$0")/expect.sh" "$@"

long=("$mgca" pretrain --data data/pairs.csv "${tiny[@]}" --set fit.epochs=40 --set fit.checkpoint_every=5 --set patience=40)
expect 0 'all 40 epochs are done' "${long[@]}" --out whole

# interrupted SIGNAL CODE FILE COMMAND...: starts the command, sends the signal when the file is there, checks exit code and advice.
interrupted() {
  local signal=$1 code=$2 progress=$3 got=0
  shift 3
  rm -f running.out stopped/history.csv
  "$@" >running.out 2>err &
  local run=$!
  until_there $run "$progress"
  sleep 0.$((RANDOM % 4))$((RANDOM % 10))
  kill -"$signal" $run
  wait $run || got=$?
  cat running.out err >>everything
  [ $got = "$code" ] || failed "SIG$signal ended with $got, expected $code"
  grep -q 'stopped after step [0-9]* of 240; go on with: mgca pretrain --resume --out stopped' running.out || failed "no advice after SIG$signal"
  no_temporaries stopped
}
interrupted TERM 143 'stopped/checkpoints/step-0000000005*' "${long[@]}" --out stopped
interrupted INT 130 'stopped/history.csv' "$mgca" pretrain --resume --out stopped
interrupted TERM 143 'stopped/history.csv' "$mgca" pretrain --resume --out stopped
expect 0 'all 40 epochs are done' "$mgca" pretrain --resume --out stopped
grep -q 'resuming in epoch' out || failed "the resumed run does not say where it goes on"
for file in best.safetensors history.csv config.json manifest.json vocabulary.txt split.json; do same_files whole/$file stopped/$file; done
newest() { basename "$(ls "$1"/checkpoints/step-*.safetensors | tail -n 1)"; }
[ "$(newest whole)" = "$(newest stopped)" ] || failed "the newest checkpoints are of different steps"
same_files whole/checkpoints/"$(newest whole)" stopped/checkpoints/"$(newest stopped)"

# A second Ctrl-C ends the program in the middle of a step that takes seconds; the checkpoint before it is whole.
"$mgca" pretrain --data data/pairs.csv --model mgca-vit-tiny --set fit.epochs=1 --set fit.checkpoint_every=1 --set loader.batch_size=8 --out slow \
  --set 'model.overrides=["image.image_size=256","image.width=128","image.depth=2","text.width=16","text.depth=1"]' >running.out 2>err &
run=$!
until_there $run 'slow/checkpoints/step-0000000001*'
kill -INT $run
sleep 0.05
kill -INT $run
start=$(date +%s%N) got=0
wait $run || got=$?
took=$((($(date +%s%N) - start) / 1000000))
[ $got = 130 ] || failed "the second Ctrl-C ended with $got"
[ $took -lt 500 ] || failed "the second Ctrl-C took $took ms"
expect 0 'all 1 epochs are done' "$mgca" pretrain --resume --out slow
no_temporaries slow

no_canaries
echo "ok: $cases cases"

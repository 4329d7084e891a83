# shellcheck shell=bash
# What the tests of the program share: a tiny data set with canaries in it, and `expect`. To be sourced:
#   . expect.sh MGCA SAMPLE_DATA WORK_FOLDER
set -euo pipefail
mgca=$1 sample=$2 work=$3
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE LC_ALL=C
rm -rf "$work"
mkdir -p "$work"
cd "$work"

cases=0
failed() {
  printf 'FAILED: %s\n' "$*" >&2
  for file in out err; do [ ! -s $file ] || { echo "--- $file"; tail -n 20 $file; } >&2; done
  exit 1
}

# expect CODE PATTERN COMMAND...: the command ends with CODE; an error is one message on standard error, and the
# output, regular or not, matches PATTERN.
expect() {
  local code=$1 pattern=$2 got=0
  shift 2
  "$@" >out 2>err || got=$?
  cat out err >>everything
  [ "$got" = "$code" ] || failed "exit code $got, expected $code: $*"
  [ "$code" = 0 ] || [ "$code" -ge 130 ] || [ "$(grep -c '^mgca: ' err)" = 1 ] || failed "expected one message: $*"
  grep -Eq -- "$pattern" out err || failed "expected '$pattern': $*"
  cases=$((cases + 1))
}
absent() { [ ! -e "$1" ] || failed "$1 was left behind: $(find "$1" | tr '\n' ' ')"; }
no_temporaries() { [ -z "$(find "$1" -name '.*.tmp-*')" ] || failed "temporary files were left in $1"; }
contents() { (cd "$1" && find . -type f ! -name run.lock -exec sha256sum {} + | sort -k 2); }
same_files() { cmp -s "$1" "$2" || failed "$1 and $2 differ"; }

# until_there PID PATTERN: waits for a file as a sign of progress; fails if the process ends without it.
until_there() {
  for ((i = 0; i < 6000; ++i)); do
    [ -z "$(compgen -G "$2")" ] || return 0
    kill -0 "$1" 2>/dev/null || failed "the process ended before $2 was there"
    sleep 0.01
  done
  failed "$2 did not appear"
}

# process_of SUPERVISOR RANK: its process. Fails if there is none.
process_of() {
  local child
  for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
    ! grep -zqx "RANK=$2" "/proc/$child/environ" 2>/dev/null || { echo "$child"; return; }
  done
  return 1
}

# near FILE OTHER TOLERANCE: as many numbers, and each no further from the other's.
near() {
  local number='-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?'
  grep -oE -- "$number" "$1" >numbers.first || failed "there is no number in $1"
  grep -oE -- "$number" "$2" >numbers.second || failed "there is no number in $2"
  paste numbers.first numbers.second | awk -v most="$3" 'NF != 2 || $1 - $2 > most || $2 - $1 > most { exit 1 }' || failed "$1 and $2 differ by more than $3"
}

# Never a pipe into `grep -q`: it leaves at the first match, and the writer's broken pipe then counts as a failure.
has_gpu() {
  "$mgca" doctor >doctor
  ! grep -q 'CUDA *none' doctor
}

# Report text and patients may appear in no message and no file that was not asked for.
no_canaries() {
  local found status=0
  grep -rqE 'CANARY|canary' data || failed "the tables hold no canary, so none could be found"
  found=$(grep -rlE 'CANARY|canary' --exclude-dir=data --exclude=vocabulary.txt .) || status=$?
  [ $status = 1 ] || failed "report text or a patient appears in ${found:-files that cannot be searched}"  # 1: nothing found
}

# 36 pairs of 18 patients: 24 train, 6 valid, 6 test.
mkdir -p data/images
i=0
echo 'image,report,patient,split,Finding' >data/pairs.csv
for image in "$sample"/nih-mini/images/*.jpg; do
  i=$((i + 1))
  [ $i -le 36 ] || break
  cp "$image" data/images/$i.jpg
  split=train; [ $i -le 24 ] || split=valid; [ $i -le 30 ] || split='test'
  echo "images/$i.jpg,\"Frontal view, image number $i. Canarytext is seen in the left lung.\",CANARYPATIENT$((i / 2 + i % 2)),$split,$((i % 2))" >>data/pairs.csv
done
# row N NEW_LINE: the table with another row N, counted from 1 without the header.
row() { awk -v n="$1" -v line="$2" 'NR == n + 1 { print line; next } { print }' data/pairs.csv >data/changed.csv; }

tiny=(--model mgca-vit-tiny --set 'model.overrides=["image.width=16","image.depth=1","text.width=16","text.depth=1","text.intermediate=16","prototypes=8"]'
      --set loader.batch_size=4 --set vocabulary_size=120)
pretrain() { "$mgca" pretrain --data data/pairs.csv "${tiny[@]}" "$@"; }

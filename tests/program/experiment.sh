#!/usr/bin/env bash
# mgca experiment: what is refused before anything runs, cells that fail, and tables that are the same bytes after kills at random moments.
# shellcheck source-path=SCRIPTDIR source=expect.sh
. "$(dirname "$0")/expect.sh" "$@"

cat >grid.json <<'JSON'
{
  "name": "grid", "title": "A small grid",
  "data": [{"name": "pairs", "path": "data/pairs.csv"}],
  "overrides": ["image.width=16", "image.depth=1", "text.width=16", "text.depth=1", "text.intermediate=16", "prototypes=8"],
  "set": ["loader.batch_size=4", "vocabulary_size=120", "fit.checkpoint_every=1"],
  "variants": [
    {"name": "start", "title": "Start weights", "model": "mgca-vit-tiny", "data": "pairs", "epochs": 0},
    {"name": "mgca", "title": "MGCA", "model": "mgca-vit-tiny", "data": "pairs", "epochs": 2}
  ],
  "evaluations": [
    {"name": "tuned", "task": "classify", "data": "pairs", "set": ["training.epochs=3", "training.batch_size=4"], "options": ["--fine-tune", "--columns", "Finding", "--resamples", "50"]},
    {"name": "search", "task": "retrieve", "data": "pairs", "options": ["--resamples", "50"]}
  ],
  "seeds": [1, 2],
  "reference": "start",
  "resamples": 50,
  "tables": [
    {"name": "main", "published": "classification", "rows": [{"variant": "start", "published": "Random"}, {"variant": "mgca"}, {"published": "GLoRIA"}],
     "columns": [{"title": "AUROC", "evaluation": "tuned", "row": "macro mean", "measure": "auroc", "scale": 100, "digits": 1, "published": "chexpert 100"},
                 {"title": "Brier", "evaluation": "tuned", "row": "macro mean", "measure": "brier", "digits": 9},
                 {"title": "rank", "evaluation": "search", "row": "image to report", "measure": "mean_rank"}]}
  ]
}
JSON

# Refused before anything is made.
changed() { sed "s|$1|$2|" grid.json >changed.json; }
changed '"seeds"' '"seed"'
expect 3 "unknown key; did you mean 'seeds'" "$mgca" experiment changed.json --out refused
changed mgca-vit-tiny mgca-vit-tinny
expect 3 "variants/start: .*mgca-vit-tinny.*did you mean 'mgca-vit-tiny'" "$mgca" experiment changed.json --out refused --plan
changed '"task": "retrieve", "data": "pairs"' '"task": "retrieve", "data": "pears"'
expect 3 "evaluations/search: there is no data 'pears'; did you mean 'pairs'" "$mgca" experiment changed.json --out refused
changed loader.batch_size loader.bach_size
expect 3 "variants/mgca: .*bach_size" "$mgca" experiment changed.json --out refused
changed fine-tune fine-tuned
expect 3 "cell start/seed-1/tuned-100: mgca classify: .*--fine-tuned" "$mgca" experiment changed.json --out refused
changed '"chexpert 100"' '"chexpert 50"'
expect 3 "tables/main: published numbers: no column .*'chexpert 50'" "$mgca" experiment changed.json --out refused
changed data/pairs.csv data/none.csv
expect 5 'data/none.csv is not there' "$mgca" experiment changed.json --out refused
expect 2 "neither a file nor a preset; did you mean 'synthetic'" "$mgca" experiment syntetic --out refused
absent refused
for preset in paper-table-{1,2,3,4,5,6} synthetic sample; do
  expect 0 "\"name\": \"$preset\"" "$mgca" experiment "$preset" --show
done
expect 5 'mimic-cxr is not there; a folder there is made by mgca prepare' "$mgca" experiment paper-table-4 --data-root nowhere --out refused --plan
grep -q 'weights-0.75/seed-42/rsna-10 ' out || failed 'the plan does not list its cells'
absent refused

# Two processes share one folder; its tables are those of an experiment that nobody disturbed.
"$mgca" experiment grid.json --out whole >shared.out 2>&1 &
other=$!
expect 0 'done: all 14 cells' "$mgca" experiment grid.json --out whole
wait $other || failed "the second process failed: $(cat shared.out)"
[ "$(cat out shared.out | grep -cE '^  [0-9]+/14 ')" = 14 ] || failed "a cell was done twice, or by nobody: $(cat out shared.out)"
expect 0 'main-tests.md' ls whole/tables
expect 0 'GLoRIA \(published\).* 88.1' cat whole/tables/main.md
expect 0 'Start weights \(published: Random\).* 65.7' cat whole/tables/main.md
expect 0 '^MGCA,AUROC,.*,2,.*bootstrap' cat whole/tables/main.csv

# Killed at three moments: within pretraining, within a head's training, anywhere.
killed_at() {  # PATTERN: SIGKILL a moment after such a file is there
  "$mgca" experiment grid.json --out killed --worker 2 >>kills.out 2>&1 &
  local run=$! got=0
  until_there $run "$1"
  sleep 0.0$((RANDOM % 10))$((RANDOM % 10))
  kill -KILL $run
  wait $run 2>/dev/null || got=$?
  [ $got = 137 ] || failed "the experiment ended with $got before it was killed"
}
killed_at 'killed/cells/mgca/seed-1/pretrain-*/out/checkpoints/step-*'
killed_at 'killed/cells/*/seed-?/tuned-100-*/out/training/seed-?/*'
killed_at 'killed/cells/mgca/seed-2/*/cell.log'
expect 0 'cells are done already' "$mgca" experiment grid.json --out killed --worker 2
for file in whole/tables/* whole/cells/*/seed-?/*/out/best.safetensors whole/cells/*/seed-?/*/out/scores-*.csv; do same_files "$file" "killed/${file#whole/}"; done
[ "$(find whole/tables killed/tables -type f | wc -l)" = 12 ] || failed "other tables: $(find whole/tables killed/tables -type f)"

# What is done is never done again; tables can be written anew; Ctrl-C says how to go on.
contents killed/cells >before
expect 0 '14 of 14 cells are done already' "$mgca" experiment grid.json --out killed
contents killed/cells >after
same_files before after
rm killed/tables/main.md
expect 0 'written to' "$mgca" experiment grid.json --out killed --tables
same_files whole/tables/main.md killed/tables/main.md
expect 0 '14 of 14 cells are done' "$mgca" experiment grid.json --out killed --plan
"$mgca" experiment grid.json --out stopped >out 2>err &
run=$!
until_there $run 'stopped/cells/start/seed-1/pretrain-*/cell.log'
kill -INT $run
got=0
wait $run || got=$?
[ $got = 130 ] || failed "Ctrl-C ended with $got"
grep -q 'go on with: mgca experiment grid.json --out stopped' out || failed "no advice after Ctrl-C"
expect 0 'start/seed-1/pretrain *(ready|done)' "$mgca" experiment grid.json --out stopped --plan

# A cell that fails: the others go on, its last lines are shown, its exit code is the experiment's.
sed 's/"seeds": \[1, 2\]/"seeds": [1]/; s/"task": "retrieve"/"task": "ground"/; s/"row": "image to report", "measure": "mean_rank"/"row": "all", "measure": "pointing_game"/' grid.json >failing.json
expect 4 'experiment: 2 of 8 cells failed and 1 wait for them' "$mgca" experiment failing.json --out failing --worker 2
grep -q 'no image of the split has a box' err || failed "the reason is not told"
expect 0 'tuned-100 *done' "$mgca" experiment failing.json --out failing --plan
expect 0 '^MGCA,rank,,,,,,' cat failing/tables/main.csv

no_temporaries killed
no_canaries
echo "ok: $cases cases"

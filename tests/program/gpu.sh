#!/usr/bin/env bash
# On a GPU: every precision trains, stops and goes on; what was trained there is read on the CPU. Exit code 77 where there is none.
# shellcheck source-path=SCRIPTDIR source=expect.sh
. "$(dirname "$0")/expect.sh" "$@"
if ! has_gpu; then
  echo "skipped: no GPU here, or a build without CUDA"
  exit 77
fi
for precision in f32 bf16 f16; do
  expect 0 'all 3 epochs are done' pretrain --device cuda --precision $precision --set fit.epochs=3 --out $precision
  expect 0 'all 3 epochs are done' "$mgca" pretrain --resume --device cuda --out $precision
  expect 0 'recall at 10' "$mgca" retrieve --run $precision --device cpu
  expect 0 'recall at 10' "$mgca" retrieve --run $precision --device cuda:0
done
expect 2 'cuda:99: there are' "$mgca" retrieve --run f32 --device cuda:99

# As many ranks as GPUs, at most two: by NCCL, or refused by a build without it.
gpus=$(sed -nE 's/.*CUDA *([0-9]+) device.*/\1/p' doctor)
if [ "$gpus" -lt 2 ]; then
  echo "  skipped: ranks by NCCL; $gpus GPU here"
elif ! pretrain --device cuda --ranks 2 --set fit.epochs=3 --out ranks >out 2>err; then
  grep -q 'needs NCCL, and this program was built without it' err || failed "two ranks on two GPUs"
  echo "  skipped: ranks by NCCL; this program was built without it"
else
  expect 0 'all 3 epochs are done' "$mgca" pretrain --resume --device cuda --out ranks
  expect 0 'AUROC' "$mgca" classify --run ranks --labels data/pairs.csv --columns Finding --fine-tune --set training.batch_size=4 --set training.epochs=2 --device cuda --ranks 2 --out classified
fi
no_canaries
echo "ok: $cases cases"

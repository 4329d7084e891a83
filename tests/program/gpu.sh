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
no_canaries
echo "ok: $cases cases"

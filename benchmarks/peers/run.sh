#!/usr/bin/env bash
# The benchmarks of pixels beside OpenCV, one thread each, in turns, so that both see the same machine.
#   benchmarks/peers/run.sh [BUILD [ROUNDS]]      after: cmake --build BUILD --target image_bench
# OpenCV comes from the wheel named below, into BUILD/peers. The least CPU time of all rounds counts.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-build}" && pwd) rounds=${2:-5}
work=$build/peers
if [ ! -x "$work/venv/bin/python" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet opencv-python-headless==4.14.0.94 numpy
fi
exec "$work/venv/bin/python" "$here/pixels.py" "$build/bin/image_bench" "$work" "$rounds"

#!/usr/bin/env bash
# From a fresh Debian or Ubuntu machine to a built, tested mgca and a finished study. See ./bootstrap.sh --help.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

torch_version=2.11.0
packages=(ca-certificates git cmake ninja-build ccache mold lld g++ python3 python3-pip
          nlohmann-json3-dev libeigen3-dev libpng-dev libjpeg-dev libdcmtk-dev libutf8proc-dev libxxhash-dev libpugixml-dev libcli11-dev)
test_packages=(catch2 libstb-dev)
bench_packages=(libbenchmark-dev)

usage() {
  cat <<'TEXT'
usage: ./bootstrap.sh COMMAND [OPTIONS]

Commands
  demo     build the program, train on the sample radiographs, write a report page
  test     build everything, run every test but the study
  study    build the program, run the whole study and check what was learned: 20 minutes on two cores
  build    build the program: build/bin/mgca
  bench    build and run the benchmarks
  clean    remove build/ and runs/ (.deps/ with libtorch stays; remove it by hand)

Options
  --cuda         a libtorch with its GPU libraries (about 3 GB more), linked for CUDA
  --jobs N       compile N files at once (default: number of cores, at most one per 2 GB of memory)
  --help         this text

What is used where it exists, in this order
  libtorch   $MGCA_TORCH_DIR, $CMAKE_PREFIX_PATH, an installed Python torch,
             else torch 2.11.0 from the configured Python package index, unpacked into .deps/ (0.5 GB kept)
  compiler   $CXX, clang++-16, else g++ 12 or later

Run logs are kept in build/log/. A second run repeats only what changed.
Tried on Debian 12; written for Ubuntu 24.04 too, not tried there.
TEXT
}

say() { printf '\n== %s\n' "$*"; }
stop() { printf '\nbootstrap: %s\n' "$*" >&2; exit 1; }

# Runs a command with its output in build/log/NAME.log; a line of progress, and the end of the log if it fails, with `advice`.
advice=""
logged() {
  local name=$1 log=build/log/$1.log start=$SECONDS
  shift
  mkdir -p build/log
  printf '   %-28s' "$name"
  if "$@" >"$log" 2>&1; then
    printf ' done, %d s\n' $((SECONDS - start))
  else
    printf ' FAILED after %d s\n\n' $((SECONDS - start))
    tail -n 40 "$log" >&2
    stop "$name failed; the whole log is in $log${advice:+
$advice}"
  fi
}

missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) == *"ok installed"* ]] || printf '%s ' "$package"
  done
}

install_packages() {
  command -v dpkg-query >/dev/null || stop "this script installs Debian and Ubuntu packages; elsewhere install the
libraries named at its top and use: cmake --preset default && cmake --build build/default"
  local wanted=("$@") missing as_root=() may_install=yes
  if [ "$(id -u)" != 0 ]; then
    as_root=(sudo)
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then may_install=no; fi
  fi
  add_clang() { if [ -z "${CXX:-}" ] && apt-cache show clang-16 >/dev/null 2>&1; then wanted+=(clang-16 libclang-rt-16-dev); fi; }
  add_clang
  missing=$(missing_packages "${wanted[@]}")
  # Everything is there; the index is asked once whether it knows a better compiler.
  if [ -z "$missing" ] && { [ -n "${CXX:-}" ] || command -v clang++-16 >/dev/null || [ -f .deps/packages ] || [ $may_install = no ]; }; then return 0; fi
  local install=(apt-get install -y --no-install-recommends)
  [ $may_install = yes ] || stop "these packages are missing; install them with

  sudo apt-get update && sudo ${install[*]} $missing

and run this script again"
  advice="Without a network install the packages named above by hand; behind a proxy set http_proxy and https_proxy."
  logged packages.index "${as_root[@]}" apt-get update
  add_clang  # a fresh machine knows no package before its first update
  missing=$(missing_packages "${wanted[@]}")
  # shellcheck disable=SC2086  # a list of words
  [ -z "$missing" ] || logged packages "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}" $missing
  advice=""
  mkdir -p .deps && touch .deps/packages
}

is_libtorch() {
  [ -f "$1/include/ATen/ATen.h" ] && [ -f "$1/lib/libtorch_cpu.so" ] && { [ "$cuda" = OFF ] || [ -f "$1/lib/libtorch_cuda.so" ]; }
}

fetch_libtorch() (  # a subshell, for its trap; the wheel holds a complete libtorch, only what C++ needs is kept
  local temporary wheels=("torch==$torch_version" nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85)
  mkdir -p .deps
  temporary=$(mktemp -d -p .deps fetch.XXXXXX)  # not /tmp, which may be small
  trap 'rm -rf "$temporary"' EXIT
  export TMPDIR=$PWD/$temporary
  local options=(--only-binary=:all:)
  if [ "$cuda" = OFF ]; then options+=(--no-deps); else wheels=("torch==$torch_version"); fi
  python3 -m pip download -q --disable-pip-version-check --no-cache-dir "${options[@]}" --implementation cp \
    --python-version 3.11 --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 \
    --platform manylinux_2_25_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    -d "$temporary" "${wheels[@]}" || exit 1
  rm -rf "$torch_home.partial"
  mkdir -p "$torch_home.partial"
  python3 - "$temporary" "$torch_home.partial" "$cuda" <<'PYTHON' || exit 1
import glob, re, sys, zipfile
wheels, target, cuda = sys.argv[1:]
keep = (r'torch/(include|share)/|torch/lib/(libc10|libtorch_cpu|libgomp)[.-].*so|torch/lib/libgomp\.so|'
        r'nvidia/cu13/lib/lib(cudart|cupti)\.so\.13|[^/]*\.dist-info/.*(LICENSE|License|NOTICE|METADATA)')
if cuda == 'ON':
    keep = r'torch/(include|share|lib)/|nvidia/|[^/]*\.dist-info/.*(LICENSE|License|NOTICE|METADATA)'
for wheel in glob.glob(wheels + '/*.whl'):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target, [name for name in archive.namelist() if re.match(keep, name)])
PYTHON
  is_libtorch "$torch_home.partial/torch" || exit 1
  rm -rf "$torch_home"
  mv "$torch_home.partial" "$torch_home"  # a half-unpacked folder is never mistaken for a whole one
)

find_libtorch() {
  torch_home=.deps/libtorch-$torch_version
  [ "$cuda" = OFF ] || torch_home+=-cuda
  if [ -n "${MGCA_TORCH_DIR:-}" ]; then
    is_libtorch "$MGCA_TORCH_DIR" || stop "MGCA_TORCH_DIR=$MGCA_TORCH_DIR holds no libtorch; expected include/ATen/ATen.h and
lib/libtorch_cpu.so below it, with --cuda lib/libtorch_cuda.so too (inside an unpacked archive the folder is called libtorch, in a wheel torch)"
    torch_root=$MGCA_TORCH_DIR
    return
  fi
  local prefix
  local IFS=':;'
  for prefix in ${CMAKE_PREFIX_PATH:-}; do
    for torch_root in "$prefix" "$prefix/torch" "$prefix/libtorch"; do
      is_libtorch "$torch_root" && return
    done
  done
  unset IFS
  torch_root=$(python3 -c "import importlib.util as u; s = u.find_spec('torch')
print(list(s.submodule_search_locations)[0] if s and s.submodule_search_locations else '')" 2>/dev/null || true)
  if [ -n "$torch_root" ] && is_libtorch "$torch_root"; then return; fi
  torch_root=$PWD/$torch_home/torch
  is_libtorch "$torch_root" && return
  [ "$(uname -m)" = x86_64 ] || stop "the ready-made libtorch is for x86_64, this machine is $(uname -m); get a libtorch
for it and set MGCA_TORCH_DIR to the folder that holds its include/ and lib/"
  local needed_gb=2 size="0.55 GB" free_gb
  if [ "$cuda" = ON ]; then needed_gb=12 size="3 GB"; fi
  free_gb=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
  [ "$free_gb" -ge $needed_gb ] || stop "libtorch needs $needed_gb GB while it is unpacked, $PWD has $free_gb GB left; make room, or set
MGCA_TORCH_DIR to a libtorch elsewhere"
  say "Fetching libtorch $torch_version (about $size, once)"
  advice="Without a network copy .deps/ from a machine that has it, or set MGCA_TORCH_DIR to the folder of an unpacked libtorch."
  logged libtorch fetch_libtorch
  advice=""
}

choose_compiler() {
  if [ -n "${CXX:-}" ]; then compiler=$CXX
  elif command -v clang++-16 >/dev/null; then compiler=clang++-16
  else
    compiler=g++
    [ "$(g++ -dumpversion | cut -d. -f1)" -ge 12 ] || stop "g++ $(g++ -dumpversion) is too old; install clang-16 or g++ 12"
  fi
}

configure() {  # configure BUILD_FOLDER CMAKE_OPTIONS...: one place for the flags of every build here
  local folder=$1
  shift
  local options=(-G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=None -DMGCA_CUDA="$cuda" -DMGCA_UNITY=ON)
  if command -v mold >/dev/null; then options+=(-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=mold); fi
  if command -v ccache >/dev/null; then options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  if [ "$compiler" = clang++-16 ]; then options+=(-DMGCA_WARNINGS_AS_ERRORS=ON); fi  # the one we keep free of warnings
  cmake -S . -B "$folder" "${options[@]}" "$@"
}

prepare() {  # prepare PACKAGES...
  say "Tools and libraries"
  install_packages "$@"
  choose_compiler
  find_libtorch
  echo "   compiler $compiler, libtorch $torch_root, $jobs jobs"
  export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-2G}
  if [ ! -w "${HOME:-/nowhere}" ]; then export CCACHE_DIR=${CCACHE_DIR:-$PWD/.deps/ccache}; fi
}

build_program() {
  prepare "${packages[@]}"
  say "Building the program"
  logged configure configure build -DCMAKE_CXX_FLAGS=-O2 -DLIBTORCH_ROOT="$torch_root" -DMGCA_BUILD_TESTS=OFF
  logged program cmake --build build -j "$jobs" --target mgca_program
}

# Tests are compiled without optimisation, which takes a third of the time; program and examples, which the tests run too, with it.
run_tests() {
  prepare "${packages[@]}" "${test_packages[@]}"
  say "Torch-free half under address and undefined-behaviour sanitizers"
  logged configure.asan configure build/asan "-DCMAKE_CXX_FLAGS=-O0 -g1" -DMGCA_TORCH=OFF -DMGCA_SANITIZE=ON -DMGCA_BUILD_EXAMPLES=OFF
  logged build.asan cmake --build build/asan -j "$jobs"
  (cd build/asan && ctest --output-on-failure -j "$jobs")
  say "Program, examples and the torch half"
  logged configure configure build -DCMAKE_CXX_FLAGS=-O2 -DLIBTORCH_ROOT="$torch_root" -DMGCA_BUILD_TESTS=torch \
    -DMGCA_TEST_FLAGS=-O0
  logged build cmake --build build -j "$jobs"
  (cd build && ctest --output-on-failure -j "$jobs" -LE slow)
}

run_study() {
  prepare "${packages[@]}" "${test_packages[@]}"
  say "Building the program"
  logged configure configure build -DCMAKE_CXX_FLAGS=-O2 -DLIBTORCH_ROOT="$torch_root" -DMGCA_BUILD_TESTS=torch -DMGCA_TEST_FLAGS=-O0
  logged program cmake --build build -j "$jobs" --target mgca_program
  (cd build && ctest --verbose -L slow)
}

run_benchmarks() {
  prepare "${packages[@]}" "${bench_packages[@]}"
  say "Building the benchmarks"
  logged configure.bench configure build/bench -DCMAKE_CXX_FLAGS=-O2 -DLIBTORCH_ROOT="$torch_root" -DMGCA_BUILD_TESTS=OFF \
    -DMGCA_BUILD_EXAMPLES=OFF -DMGCA_BUILD_BENCHMARKS=ON
  logged build.bench cmake --build build/bench -j "$jobs"
  for benchmark in build/bench/bin/*_bench; do say "$(basename "$benchmark")"; "$benchmark"; done
}

command=""
cuda=OFF
memory_gb=$(awk '/MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo)
jobs=$(nproc)
if [ "$jobs" -gt $((memory_gb / 2 + 1)) ]; then jobs=$((memory_gb / 2 + 1)); fi
while [ $# -gt 0 ]; do
  case $1 in
    --cuda) cuda=ON ;;
    --jobs)
      [[ "${2:-}" =~ ^[1-9][0-9]*$ ]] || stop "--jobs needs a number of 1 or more, as in --jobs 4"
      jobs=$2
      shift
      ;;
    --help | -h) usage; exit 0 ;;
    -*) usage >&2; stop "unknown option '$1'" ;;
    *)
      [ -z "$command" ] || { usage >&2; stop "one command at a time: '$command' or '$1'"; }
      command=$1
      ;;
  esac
  shift
done

case $command in
  demo) build_program; say "The study"; exec build/bin/mgca demo --data examples/data --out runs/demo ;;
  test) run_tests ;;
  study) run_study ;;
  build) build_program; say "Built: build/bin/mgca" ;;
  bench) run_benchmarks ;;
  clean) rm -rf build runs; say "Removed build/ and runs/" ;;
  help) usage ;;
  '') usage >&2; exit 2 ;;
  *) usage >&2; stop "unknown command '$command'" ;;
esac

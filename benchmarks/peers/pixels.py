"""Area resize, and JPEG decoding with it, by OpenCV and by the benchmark given: pixels.py IMAGE_BENCH FOLDER ROUNDS."""
import json
import os
import subprocess
import sys
import time

import cv2
import numpy as np

bench, folder, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
cv2.setNumThreads(1)

# A picture of the size of a radiograph: smooth anatomy, ribs, fine noise.
v, u = np.mgrid[0:3056, 0:2544].astype(np.float64)
u, v = u / 2544 - 0.5, v / 3056 - 0.5
noise = (np.random.default_rng(1).integers(0, 256, u.shape) - 127.5) * 0.05
picture = np.clip(160 - 240 * u * u - 120 * v * v + 25 * np.sin(60 * v + 8 * u) + noise, 0, 255).astype(np.uint8)
path = os.path.join(folder, "radiograph.jpg")
cv2.imwrite(path, picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
jpeg = np.fromfile(path, np.uint8)


def resize():
    return cv2.resize(picture, (213, 256), interpolation=cv2.INTER_AREA)


def decode_and_resize():
    return cv2.resize(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), (213, 256), interpolation=cv2.INTER_AREA)


def cpu_ms(call, least=0.5):
    call()
    begin, count = time.process_time(), 0
    while time.process_time() - begin < least:
        call()
        count += 1
    return 1e3 * (time.process_time() - begin) / count


pairs = {  # our benchmark, OpenCV's call, how many times faster ours has to be
    "BM_AreaResize/3056x2544_to_256x213": (resize, 10.0),
    "BM_JpegDecode/fitted_to_256": (decode_and_resize, 1.7),
}
ours, theirs = {}, {}
for _ in range(rounds):
    out = subprocess.run([bench, "--benchmark_format=json", "--benchmark_min_time=0.5", "--benchmark_filter=" + "|".join(pairs)],
                         env={**os.environ, "MGCA_BENCH_JPEG": path}, check=True, capture_output=True, text=True).stdout
    for row in json.loads(out)["benchmarks"]:
        ours[row["name"]] = min(row["cpu_time"], ours.get(row["name"], 1e9))
    for name, (call, _) in pairs.items():
        theirs[name] = min(cpu_ms(call), theirs.get(name, 1e9))

missed = 0
print(f"{'':42}{'OpenCV ' + cv2.__version__:>18}{'here':>10}{'faster':>9}{'bar':>7}")
for name, (_, bar) in pairs.items():
    ratio = theirs[name] / ours[name]
    missed += ratio < bar
    print(f"{name:42}{theirs[name]:15.2f} ms{ours[name]:7.2f} ms{ratio:8.2f}x{bar:6.1f}x")
sys.exit(1 if missed else 0)

"""Mean average precision against pycocotools on 200 random sets of boxes.

usage: detection.py DRIVER FOLDER   (DRIVER: build/bin/parity_detection_scores; FOLDER: for the file between the two)
Sets of 1 to 30 images with none to 8 true boxes, found ones near them and elsewhere, on whole and on broken pixels, scores with and
without ties. Agreement to 1e-6 in every set, and in most sets a value strictly between 0 and 1, so that agreement means something.
"""

import contextlib
import io
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def random_set(rng):
    whole, tied = rng.random() < 0.5, rng.random() < 0.3
    number = (lambda v: float(round(v))) if whole else float
    images = []
    for _ in range(rng.randint(1, 30)):
        truth = []
        for _ in range(rng.randint(0, 8)):
            x, y = rng.uniform(0, 180), rng.uniform(0, 180)
            truth.append([number(v) for v in (x, y, x + rng.uniform(5, 60), y + rng.uniform(5, 60))])
        found = []
        for box in truth:
            for _ in range(rng.choice([0, 1, 1, 2])):
                found.append([number(v + rng.gauss(0, rng.choice([0.5, 2, 6]))) for v in box])
        for _ in range(rng.randint(0, 4)):
            x, y = rng.uniform(0, 180), rng.uniform(0, 180)
            found.append([number(v) for v in (x, y, x + rng.uniform(5, 60), y + rng.uniform(5, 60))])
        found = [b for b in found if b[2] > b[0] and b[3] > b[1]]
        images.append({"tb": truth, "pb": found, "ps": [round(rng.random(), 1) if tied else rng.random() for _ in found]})
    return images


def coco_scores(images):
    def corner_size(box):
        return [box[0], box[1], box[2] - box[0], box[3] - box[1]]

    truth = {"images": [{"id": i + 1} for i in range(len(images))], "categories": [{"id": 1}], "annotations": [], "info": {}}
    found = []
    for i, image in enumerate(images):
        for box in image["tb"]:
            x, y, w, h = corner_size(box)
            truth["annotations"].append({"id": len(truth["annotations"]) + 1, "image_id": i + 1, "category_id": 1, "bbox": [x, y, w, h], "area": w * h, "iscrowd": 0})
        found += [{"image_id": i + 1, "category_id": 1, "bbox": corner_size(b), "score": s} for b, s in zip(image["pb"], image["ps"])]
    if not truth["annotations"]:
        return -1.0, -1.0
    if not found:
        return 0.0, 0.0
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[0], evaluation.stats[1]


def main(driver, folder):
    rng = random.Random(7)
    sets = [random_set(rng) for _ in range(200)]
    path = Path(folder) / "boxes.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(sets))
    lines = subprocess.run([driver, path], check=True, capture_output=True, text=True).stdout.splitlines()
    ours = np.array([[float(v) for v in line.split()] for line in lines])
    theirs = np.array([coco_scores(images) for images in sets])
    if ours.shape != theirs.shape:
        print(f"FAILED: {ours.shape} of {theirs.shape} values")
        return 1
    error = np.abs(ours - theirs)
    telling = int(((theirs[:, 0] > 0) & (theirs[:, 0] < 1)).sum())
    worst = int(error.max(axis=1).argmax())
    print(f"mAP 0.50 to 0.95 and AP50 of {len(sets)} sets, {telling} strictly between 0 and 1: largest difference {error.max():.2g} (set {worst})")
    for i in np.where(error.max(axis=1) > 1e-6)[0]:
        print(f"  set {i}: ours {ours[i]}, pycocotools {theirs[i]}")
    return 0 if error.max() <= 1e-6 and telling >= 150 else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))

#!/usr/bin/env bash
# From a raw download to a checked folder that training reads; what is there is counted, what is wrong is told, nobody is named.
# shellcheck source-path=SCRIPTDIR source=expect.sh
. "$(dirname "$0")/expect.sh" "$@"

# --- what there is ----------------------------------------------------------------------------------------------
expect 0 'mimic-cxr +MIMIC-CXR-JPG' "$mgca" prepare --list
[ "$(grep -c '^ *[a-z-]\+  ' out)" -ge 12 ] || failed "prepare lists too few data sets"
expect 0 'report_column +"report" +string' "$mgca" prepare pairs --list
expect 2 "no data set 'chexprt'; did you mean 'chexpert'" "$mgca" prepare chexprt --raw data --out made
expect 2 '--raw is missing' "$mgca" prepare pairs --out made
expect 5 'nowhere: ' "$mgca" prepare pairs --raw nowhere --out made
expect 5 "train.csv: there is no such file; beside it lies 'pairs.csv'" "$mgca" prepare chexpert --raw data --out made
expect 4 "no column 'findings'; did you mean 'Finding'" "$mgca" prepare pairs --raw data --out made --set report_column=findings
absent made

# --- any table of pairs -----------------------------------------------------------------------------------------
expect 0 'done: 36 studies' "$mgca" prepare pairs --raw data --out made --set 'label_columns=["Finding"]'
grep -qE 'train +24 +12 +[0-9a-f]{16}' out || failed "prepare counts no studies and patients"
for file in studies.csv labels.csv manifest.json; do [ -s made/$file ] || failed "prepare writes no $file"; done
contents made >before
expect 0 'everything was there already, nothing was written' "$mgca" prepare pairs --raw data --out made --set 'label_columns=["Finding"]'
contents made >after
same_files before after
no_temporaries made
expect 4 'holds the prepared data set pairs; choose another folder' "$mgca" prepare folders --raw data --out made
expect 0 'clean: no problem was found' "$mgca" check made
expect 0 '"problems": \[\]' "$mgca" check made --json
expect 0 'all 1 epochs are done' "$mgca" pretrain --data made "${tiny[@]}" --out run --set fit.epochs=1
[ -s run/data_check.json ] || failed "the check of the data is not kept"
expect 0 'AUROC' "$mgca" classify --run run --data made
sed -i 2d made/labels.csv
expect 4 'labels.csv: is not as it was prepared' "$mgca" check made

# --- rows that cannot be used -----------------------------------------------------------------------------------
row 3 'images/3.jpg,,CANARYPATIENT2,train,0' && cp data/changed.csv data/blank.csv
expect 0 '1: the report is empty \(first: blank.csv: row 3' "$mgca" prepare pairs --raw data --out blank --set table=blank.csv
row 5 '../secret.jpg,Canarytext.,CANARYPATIENT3,train,0'
expect 4 "changed.csv: row 5 .*the image path holds '..'" "$mgca" prepare pairs --raw data --out bad --set table=changed.csv
row 5 'images/none.jpg,Canarytext.,CANARYPATIENT3,train,0'
expect 4 '1 are not there .*--missing-images drop' "$mgca" prepare pairs --raw data --out bad --set table=changed.csv
absent bad
expect 0 '1: the image is not there' "$mgca" prepare pairs --raw data --out bad --set table=changed.csv --missing-images drop
printf 'image,report,patient\nimages/1.jpg,38\260 canary,CANARYPATIENT1\n' >data/latin.csv
expect 4 "latin.csv: row 1 \(line 2\), column 'report': byte .* is not UTF-8" "$mgca" prepare pairs --raw data --out latin --set table=latin.csv

# --- a folder per class, drawings -------------------------------------------------------------------------------
mkdir -p classes/effusion classes/normal
for i in 1 2 3 4 5 6; do cp data/images/$i.jpg classes/effusion/p${i}_a.jpg; cp data/images/$((i + 6)).jpg classes/normal/p${i}_b.jpg; done
expect 0 'done: 12 studies' "$mgca" prepare folders --raw classes --out classified --set patient_separator=_
expect 0 'clean' "$mgca" check classified
expect 0 'done: 40 studies' "$mgca" prepare synthetic --out drawn --set count=40
expect 0 'clean' "$mgca" check drawn
[ "$(ls drawn/images | wc -l)" = 40 ] && [ -s drawn/boxes.csv ] && [ -s drawn/masks.csv ] || failed "synthetic studies are not whole"

# --- pictures that look alike, one bad row in each table ---------------------------------------------------------
cp data/images/2.jpg data/images/copy.jpg && printf '\0' >>data/images/copy.jpg
row 4 'images/copy.jpg,"Canarytext in the left lung.",CANARYPATIENT2,valid,0'
printf 'image,label,x,y,w,h\nimages/1.jpg,nodule,5,5,-3,4\nimages/6.jpg,nodule,9000,5,3,4\n' >data/boxes.csv
expect 4 'changed.csv: 4 problems, listed above' "$mgca" check data/changed.csv --set data.boxes=data/boxes.csv --similar 12
for what in "boxes.csv: row 1 .*'w': expected a positive number" 'changed.csv: row 4: the same picture' 'row 4: the patient of row' 'row 6: box 1 reaches outside'; do grep -Eq "$what" out || failed "check misses: $what"; done

rm -rf made blank bad latin classified drawn  # the prepared tables hold reports and patients: they are data
no_canaries
echo "ok: $cases cases"

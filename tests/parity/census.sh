#!/usr/bin/env bash
# The census model on the data it was tested with: census.sh TOOLS MODEL FOLDER
#
# Scores all test rows in batches of several sizes with every kernel set of this machine. Those that keep the
# numerics contract must write the same bytes; the others, and all, must come close to the scores that PyTorch
# gave, and reach its AUC. Exits with 77 (skipped) where the data is not at hand.
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
census=$(cd "$here/../../examples/census" && pwd)
tools=$1 model=$2 folder=$3
readonly batches=(1 7 64 20000)
readonly auc_wanted=("income_over_50k 0.940" "never_married 0.985")

mkdir -p "$folder"
data=$(PYTHONPATH=$census python3 -B -c 'import census; print(census.find_data())' 2>"$folder/why.txt") || {
  cat "$folder/why.txt"
  grep -q '^error: no census' "$folder/why.txt" || exit 1
  exit 77
}
python3 -B "$census/prepare_rows.py" --data "$(dirname "$data")" --group 1 -o "$folder/rows.csv"

# Lines "NAME exact" or "NAME inexact".
list_kernel_sets() {
  "$tools/mmoe-verify" --json --all-kernel-sets "$model" | python3 -c '
import json, sys
for replay in json.load(sys.stdin)["replays"]:
    print(replay["kernel_set"], "exact" if replay["exact"] else "inexact")' | sort -u
}

# compare_with_pytorch SCORES: prints AUC and largest difference; fails beyond the tolerance.
compare_with_pytorch() {
  python3 -B "$census/auc.py" "$1" "$folder/rows.csv" --npy "$census/model/test_scores.npy" --tolerance 2e-6
}

require_auc() {
  local wanted
  for wanted in "${auc_wanted[@]}"; do
    python3 - "$wanted" "$folder/auc.txt" <<'PYTHON'
import sys
task, least = sys.argv[1].split()
found = [float(line.split()[2]) for line in open(sys.argv[2]) if line.startswith(task + " auc ")]
if len(found) != 1 or not found[0] >= float(least):
    sys.exit(f"error: the AUC of {task} is {found}, wanted at least {least}")
PYTHON
  done
}

list_kernel_sets >"$folder/kernel_sets.txt"
first=
while read -r kernel_set exactness; do
  for batch in "${batches[@]}"; do
    scores="$folder/$kernel_set.$batch.csv"
    "$tools/mmoe-score" "$model" "$folder/rows.csv" --kernel-set "$kernel_set" --batch "$batch" -o "$scores" 2>"$folder/score.txt" || {
      cat "$folder/score.txt" >&2
      exit 1
    }
    # An inexact set has to agree with itself; only across sets may its bits differ.
    if [[ $exactness == exact ]]; then
      first=${first:-$scores}
      cmp "$first" "$scores"
    else
      cmp "$folder/$kernel_set.${batches[0]}.csv" "$scores"
    fi
  done
  if [[ $exactness == inexact ]]; then compare_with_pytorch "$folder/$kernel_set.${batches[0]}.csv"; fi
  echo "$kernel_set: the same bytes in batches of ${batches[*]}$([[ $exactness == exact ]] && echo ", and as ${first##*/}")"
done <"$folder/kernel_sets.txt"
[[ -n $first ]] || { echo "error: no kernel set keeps the numerics contract" >&2; exit 1; }
compare_with_pytorch "$first" | tee "$folder/auc.txt"
require_auc

# In fewer bits: the same bytes from every exact kernel set, scores within a tolerance of PyTorch's, and the AUC.
# f16 rounds weights by at most 2^-12 of themselves. The other tolerances are twice what was seen, to notice a mistake.
# check_numbers WEIGHTS TABLES TOLERANCE AUC_TOLERANCE
check_numbers() {
  local name=$1-$2 kernel_set exactness stored="$folder/$1-$2.mmoe" scores first=
  "$tools/mmoe-convert" -q "$census/model/weights.pt" "$census/model/description.json" -o "$stored" --weights "$1" --tables "$2"
  while read -r kernel_set exactness; do
    [[ $exactness == exact ]] || continue
    scores="$folder/$name.$kernel_set.csv"
    "$tools/mmoe-score" "$stored" "$folder/rows.csv" --kernel-set "$kernel_set" -o "$scores" 2>"$folder/score.txt"
    first=${first:-$scores}
    cmp "$first" "$scores"
  done <"$folder/kernel_sets.txt"
  python3 -B "$census/auc.py" "$first" "$folder/rows.csv" --npy "$census/model/test_scores.npy" --tolerance "$3" |
    tee "$folder/auc.$name.txt" | sed "s/^/$name: /"
  python3 - "$folder/auc.txt" "$folder/auc.$name.txt" "$4" <<'PYTHON'
import sys
f32, stored = ({line.split()[0]: float(line.split()[2]) for line in open(path) if " auc " in line} for path in sys.argv[1:3])
for task, value in f32.items():
    if not abs(stored[task] - value) <= float(sys.argv[3]):
        sys.exit(f"error: the AUC of {task} is {stored[task]}, with f32 {value}")
PYTHON
}

check_numbers f16 f32 2e-4 5e-6
check_numbers bf16 f32 4e-3 1e-5
check_numbers i8 f32 6e-2 5e-5
check_numbers w8a8 f32 1e-1 5e-4
check_numbers f32 u8 1e-2 2e-4
check_numbers f32 u4 8e-2 5e-4

# Types found by trial keep the budget, as independent figures say it: AUC of the scores, and their differences.
search() {
  "$tools/mmoe-convert" -q "$census/model/weights.pt" "$census/model/description.json" -o "$1" --quantize auto \
    --rows "$folder/rows.csv" "${@:2}"
}
search "$folder/auto.mmoe" --report "$folder/auto.html"
search "$folder/again.mmoe" --budget auc=0.0005
cmp "$folder/auto.mmoe" "$folder/again.mmoe"
"$tools/mmoe-score" "$folder/auto.mmoe" "$folder/rows.csv" -o "$folder/auto.csv" 2>"$folder/score.txt"
python3 -B "$census/auc.py" "$folder/auto.csv" "$folder/rows.csv" >"$folder/auc.auto.txt"
search "$folder/near.mmoe" --budget score=0.001
"$tools/mmoe-score" "$folder/near.mmoe" "$folder/rows.csv" -o "$folder/near.csv" 2>"$folder/score.txt"
# PyTorch's scores are 3e-7 from those in f32.
python3 -B "$census/auc.py" "$folder/near.csv" "$folder/rows.csv" --npy "$census/model/test_scores.npy" --tolerance 0.0010005 |
  sed 's/^/score=0.001: /'
for name in auto near; do "$tools/mmoe-inspect" --json "$folder/$name.mmoe" >"$folder/$name.json"; done
python3 - "$folder" <<'PYTHON'
import json, sys
folder = sys.argv[1]
aucs = lambda path: {line.split()[0]: float(line.split()[2]) for line in open(f"{folder}/{path}") if " auc " in line}
f32, stored = aucs("auc.txt"), aucs("auc.auto.txt")
auto, near = (json.load(open(f"{folder}/{name}.json")) for name in ("auto", "near"))
for task in auto["score_change"]["tasks"]:
    name, quality = task["task"], task["quality"]
    if not f32[name] - stored[name] <= 0.0005:
        sys.exit(f"error: auto: the AUC of {name} is {stored[name]}, with f32 {f32[name]}")
    # Both are printed or stored with an error of less than 1e-6.
    if not (abs(quality["f32"] - f32[name]) <= 2e-6 and abs(quality["stored"] - stored[name]) <= 2e-6):
        sys.exit(f"error: the file says an AUC of {quality}, its scores have {f32[name]} and {stored[name]}")
if not all(task["largest"] <= 0.001 for task in near["score_change"]["tasks"]):
    sys.exit(f"error: score=0.001: {near['score_change']}")
sizes = [model["file_bytes"] for model in (auto, near)]
print(f"--quantize auto: {sizes[0]} bytes with auc=0.0005, {sizes[1]} with score=0.001")
if not sizes[0] < sizes[1] < 119176:
    sys.exit(f"error: sizes are {sizes}")
PYTHON

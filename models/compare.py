#!/usr/bin/env python3
"""Compares recipes of sift by the scores of `ursid train sift --folds`: every file against the first, with 95 % intervals over cameras.

    models/compare.py BASE NAME ...     each the common beginning of some NAME_SEED.scores.csv, one for each way the cameras were dealt into folds

balanced   mean recall of empty, animal and bear when the most likely class is taken, real frames and photographs
alarms     share of empties and animals called bear at the threshold that finds 97 % of the bears
crops ...  share of the probes judged right by the most likely class

Whole cameras are drawn with replacement, the same ones for both recipes, so the difference is paired. Standard library only."""
import csv
import glob
import random
import sys

CLASSES = ("empty", "animal", "bear")
RECALL = 0.97
ROUNDS = 1000


def read(prefix):
    """One dictionary a seed: (source, camera group, key) -> (label, probabilities)."""
    runs = []
    for path in sorted(glob.glob(prefix + "_[0-9]*.scores.csv")):
        run, seen = {}, {}
        with open(path, newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                group = row["group"]
                if int(group) < 0:  # a probe: counted within its kind, so that the same ones meet whatever other kinds there are
                    kind = (row["source"], row["fold"])
                    seen[kind] = seen.get(kind, 0) + 1
                    group = f"{row['source']} {row['fold']} {seen[kind]}"
                key = (row["source"], group, row["name"])
                run[key] = (row["label"], tuple(float(row[c]) for c in CLASSES))
        runs.append(run)
    if not runs:
        sys.exit(f"no {prefix}_SEED.scores.csv")
    return runs


def right(label, p):
    return CLASSES[max(range(3), key=lambda i: p[i])] == label


def threshold(run):
    bears = sorted((p[2] for (source, _, _), (label, p) in run.items() if label == "bear" and source in ("real", "photos")), reverse=True)
    return bears[min(len(bears) - 1, max(0, -int(-RECALL * len(bears) // 1) - 1))]


def tallies(run):
    """Per camera group: for each number a (hits, count) pair; recalls by class, alarms, probes."""
    limit, groups = threshold(run), {}
    for (source, group, _), (label, p) in run.items():
        g = groups.setdefault(group, {})
        names = [label, "alarms"] if source in ("real", "photos") else [source]
        for name in names:
            if name == "alarms" and label == "bear":
                continue
            hit = p[2] >= limit if name == "alarms" else right(label, p)
            h, n = g.get(name, (0, 0))
            g[name] = (h + hit, n + 1)
    return groups


def numbers(groups, drawn):
    total = {}
    for group in drawn:
        for name, (h, n) in groups[group].items():
            a, b = total.get(name, (0, 0))
            total[name] = (a + h, b + n)
    share = {name: h / n for name, (h, n) in total.items()}
    if all(c in share for c in CLASSES):
        share["balanced"] = sum(share[c] for c in CLASSES) / 3
    return share


def quantiles(values):
    values = sorted(values)
    return (values[int(0.025 * (len(values) - 1))], values[int(0.975 * (len(values) - 1))]) if values else (float("nan"),) * 2


def kinds(groups):
    """Cameras, photographs and probes are drawn apart, so that every draw has all of them."""
    apart = {}
    for group, tally in groups.items():
        apart.setdefault(next(iter(tally)) if " " in group else "photo" if set(tally) == {"bear"} else "camera", []).append(group)
    return list(apart.values())


def mean(dictionaries, name):
    return sum(d[name] for d in dictionaries) / len(dictionaries)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    shown = ("balanced", *CLASSES, "alarms", "crops", "decoy", "paste")
    base = [tallies(run) for run in read(sys.argv[1])]
    print("| recipe | " + " | ".join(shown) + " | balanced, each dealing |")
    print("|---" * (len(shown) + 2) + "|")
    for prefix in sys.argv[1:]:
        runs = [tallies(run) for run in read(prefix)]
        pairs = list(zip(runs, base))
        cells = []
        now = [numbers(r, r) for r, _ in pairs]
        then = [numbers(b, b) for _, b in pairs]
        draw = random.Random(1)
        drawn_now, drawn_then = [], []
        for _ in range(ROUNDS):
            groups = [draw.choices(k, k=len(k)) for k in kinds(base[0])]
            camera_draw = [g for k in groups for g in k]
            drawn_now.append([numbers(r, [g for g in camera_draw if g in r]) for r, _ in pairs])
            drawn_then.append([numbers(b, [g for g in camera_draw if g in b]) for _, b in pairs])
        for name in shown:
            if not all(name in d for d in now + then):
                cells.append("-")
                continue
            have = [(a, b) for a, b in zip(drawn_now, drawn_then) if all(name in d for d in a + b)]
            value = mean(now, name)
            if prefix == sys.argv[1]:
                low, high = quantiles([mean(a, name) for a, _ in have])
                cells.append(f"{value:.3f} ({low:.3f} to {high:.3f})")
            else:
                low, high = quantiles([mean(a, name) - mean(b, name) for a, b in have])
                cells.append(f"{value - mean(then, name):+.3f} ({low:+.3f} to {high:+.3f})")
        each = ", ".join(f"{d['balanced']:.3f}" for d in now)
        print(f"| {prefix.rsplit('/', 1)[-1]} | " + " | ".join(cells) + f" | {each} |")


if __name__ == "__main__":
    main()

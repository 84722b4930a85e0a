"""The page of tools/table4.sh from what it measured:

    table4.py WORK PAGE PROFILE URSID      WORK/STAGE.{eval.json,vela,time}, WORK/STAGE.{float,int8}.{count,bytes}
"""
import json
import os
import re
import subprocess
import sys

QUALITY = {"sift": ("accuracy", "recall of bear"), "find": ("boxes, mAP50",), "embed": ()}
FOLDS = {"": "whole chips", "masked": "heads cut out"}


def read(path):
    return open(path).read().strip() if os.path.exists(path) else ""


def estimate(work, stage):
    """Milliseconds; None where Vela was not there or left something to the processor."""
    text = read(f"{work}/{stage}.vela")
    row = re.search(r"^\| %s \| [\d.]+ \| ([\d.]+) \|" % stage, text, re.M)
    return float(row.group(1)) if row and re.search(r"^[1-9]\d* passed, 0 failed", text, re.M) else None


def energy(work, profile, ursid, estimates):
    """Joules of an event on the board, with the NPU times of the profile replaced by estimates of these networks."""
    lines, section = [], ""
    for line in open(profile):
        head = re.match(r"\[(\w+)\]", line)
        section = head.group(1) if head else section
        key = re.match(r"(\w+) *=", line)
        if section == "npu" and key and estimates.get(key.group(1)):
            line = "%s = %.6f\n" % (key.group(1), estimates[key.group(1)] / 1e3)
        lines.append(line)
    path = f"{work}/board.toml"
    with open(path, "w") as f:
        f.writelines(lines)
    answer = {}
    for engine in ("npu", "cpu"):
        r = subprocess.run([ursid, "energy", "--profile", path, "--engine", engine, "--json"], capture_output=True, text=True)
        answer[engine] = json.loads(r.stdout) if r.returncode == 0 else None
    return answer


def quality_lines(work, stage):
    measures = json.load(open(f"{work}/{stage}.eval.json"))["measures"]
    names = [n for n in measures if any(n.lower().startswith(q.lower()) for q in QUALITY[stage])]
    lines = []
    for name in names:
        m, d = measures[name], measures[name]["difference"]
        lines.append("| %s | %s | %.4f | %.4f | %+.4f (%+.4f to %+.4f) | %d | %s |" % (stage, name, m["model"], m["beside"], d["value"], d["low"], d["high"], m["n"],
                                                                                    verdict(d)))
    return lines


def fold_lines(work):
    """embed by cross-validation: for each view Hit@1 and mAP of int8 and float weights, means over individuals."""
    lines = []
    for view, words in FOLDS.items():
        path = f"{work}/embed.folds{view}.json"
        if not os.path.exists(path):
            continue
        rows = {r["system"]: r for r in json.load(open(path))["cross_validation"]}
        for name, key in (("Hit@1", "hit1"), ("mAP", "map")):
            d = rows["beside"]["gain_" + key]
            lines.append("| embed | %s, %s, 3 folds | %.4f | %.4f | %+.4f (%+.4f to %+.4f) | %d | %s |" % (name, words, rows["beside"][key]["value"], rows["model"][key]["value"], d["value"], d["low"], d["high"],
                                                                                                   rows["model"]["individuals"], verdict(d)))
    return lines


def verdict(difference):
    return "kept" if difference["value"] >= -0.01 else "missed"


def main(work, page, profile, ursid):
    stages = [s for s in QUALITY if os.path.exists(f"{work}/{s}.int8.bytes")]
    missing = [s for s in QUALITY if s not in stages]
    estimates = {s: estimate(work, s) for s in stages}
    out = ["# Table 4: float and int8, stage by stage", "", "Made by `tools/table4.sh SHARED`; every number is of this run and machine, or of Vela (estimates, not a board).", ""]
    if missing:
        out += ["No int8 weights of %s were there, so those lines are missing." % " and ".join(missing), ""]
    out += ["## Quality, validation part (`ursid eval STAGE --part validation --beside`; 95 % intervals of the paired difference; bar: at most 0.01 lost)", "",
            "| stage | measure | float | int8 | difference | n | bar |", "|---|---|---|---|---|---|---|"]
    for s in stages:
        out += fold_lines(work) if s == "embed" else quality_lines(work, s)
    out += ["", "## Cost of one picture", "",
            "Time: one thread of this machine, the networks alone, float and int8 in turns, best (median), and the median of the ratios (`time_weights`). Instructions: aarch64 as a Cortex-A76 with SDOT under qemu-user, edge build (no oneDNN), a stand-in for the Cortex-A55. Vela:"
            " Ethos-U65-256 at 1 GHz, everything on the NPU.", "",
            "| stage | file, KB: float / int8 | ms here: float | int8 | int8 / float | million instructions: float | int8 | Vela, ms | working memory here, MB: float / int8 |", "|---|---|---|---|---|---|---|---|---|"]
    total = 0
    for s in stages:
        size = {k: int(read(f"{work}/{s}.{k}.bytes")) for k in ("float", "int8")}
        time = dict(zip(("float", "int8"), json.loads(read(f"{work}/{s}.time"))))
        count = {k: read(f"{work}/{s}.{k}.count") for k in ("float", "int8")}
        total += size["int8"]
        out.append("| %s | %.0f / %.0f | %s | %s | %.2f | %s | %s | %s | %.1f / %.1f |" % (
            s, size["float"] / 1e3, size["int8"] / 1e3, *("%.2f (%.2f)" % (time[k]["best_ms"], time[k]["median_ms"]) for k in ("float", "int8")), time["int8"]["ratio"],
            *("%.0f" % (int(count[k]) / 1e6) if count[k] else "-" for k in ("float", "int8")), "%.2f" % estimates[s] if estimates[s] else "-",
            time["float"]["working_bytes"] / 1e6, time["int8"]["working_bytes"] / 1e6))
    program = read(f"{work}/program.bytes")
    if program:
        out += ["", "Program for aarch64, edge build, stripped: %.2f MB; with the int8 models above %.2f MB (bar: 16)." % (int(program) / 1e6, (int(program) + total) / 1e6)]
    out += ["", "## Energy of an event (`ursid energy`, %s, NPU times as estimated above, the rest as the profile says)" % profile, ""]
    e = energy(work, profile, ursid, estimates)
    out += ["| engine | joules, suspended between events | of which sift, find, embed | days on the battery |", "|---|---|---|---|"]
    for engine in ("npu", "cpu"):
        if e[engine]:
            v = e[engine]["suspended"]
            out.append("| %s | %.3f | %s | %.0f |" % (engine, v["event_joules"], ", ".join("%.4f" % v["event_parts_joules"][k] for k in ("sift", "find", "embed")), v["days"]))
    with open(page, "w") as f:
        f.write("\n".join(out) + "\n")
    print("\n".join(out))


main(*sys.argv[1:5])

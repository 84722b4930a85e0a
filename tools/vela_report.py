"""Vela's estimates as a table. See tools/vela.sh.

    vela_report.py --whole W_vela.tflite       prints yes if the file is one operator of the NPU and nothing else
    vela_report.py OUT --logs DIR [--table T] [--version V] [--write docs/results/npu.md]
"""
import argparse
import csv
import glob
import os
import re
import struct

BARS = {"sift": 2.0, "find": 15.0, "embed": 30.0}  # milliseconds; find: at 320 pixels


class Table:
    """A table of a FlatBuffer; fields by their place in the schema."""

    def __init__(self, data, at):
        self.data, self.at = data, at
        self.vtable = at - struct.unpack_from("<i", data, at)[0]

    def field(self, slot):
        size = struct.unpack_from("<H", self.data, self.vtable)[0]
        offset = struct.unpack_from("<H", self.data, self.vtable + 4 + 2 * slot)[0] if 4 + 2 * slot < size else 0
        return self.at + offset if offset else None

    def follow(self, slot):
        at = self.field(slot)
        return None if at is None else at + struct.unpack_from("<I", self.data, at)[0]

    def tables(self, slot):
        at = self.follow(slot)
        if at is None:
            return []
        n = struct.unpack_from("<I", self.data, at)[0]
        places = [at + 4 + 4 * i for i in range(n)]
        return [Table(self.data, p + struct.unpack_from("<I", self.data, p)[0]) for p in places]

    def text(self, slot):
        at = self.follow(slot)
        if at is None:
            return ""
        n = struct.unpack_from("<I", self.data, at)[0]
        return self.data[at + 4:at + 4 + n].decode("utf-8", "replace")


def whole(path):
    data = open(path, "rb").read()
    model = Table(data, struct.unpack_from("<I", data, 0)[0])
    codes = [code.text(1) for code in model.tables(1)]
    operators = [op for graph in model.tables(2) for op in graph.tables(3)]
    return len(operators) == 1 and codes == ["ethos-u"]


def operators(log):
    """Rows of --verbose-performance: (TFLite operator, cycles, share of the network in %, tensor), largest first. Columns: operator, what it became, target, bytes and share of the SRAM, cycles, share..."""
    rows = []
    for line in open(log, errors="replace"):
        word = line.split()
        if len(word) == 16 and word[2] in ("NPU", "CPU") and word[5].isdigit() and int(word[5]) > 0:
            rows.append((word[0], int(word[5]), float(word[6]), word[-1]))
    return sorted(rows, key=lambda r: -r[1])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out", nargs="?")
    p.add_argument("--whole")
    p.add_argument("--table")
    p.add_argument("--logs")
    p.add_argument("--version", default="")
    p.add_argument("--write")
    a = p.parse_args()
    if a.whole:
        print("yes" if whole(a.whole) else "no")
        return
    known = {}
    if a.table:
        for line in open(a.table):
            path, stage, arch, side, macs = line.rstrip("\n").split("\t")
            known[os.path.splitext(os.path.basename(path))[0]] = (stage, arch, int(side), int(macs))
    lines = ["| network | million multiply-adds | estimate, ms | bar, ms | cycles of the MACs | cycles of DRAM | arena in DRAM, KiB | file, KiB |", "|---|---|---|---|---|---|---|---|"]
    missed = []
    for path in sorted(glob.glob(os.path.join(a.out, "*_summary_*.csv"))):
        row = list(csv.DictReader(open(path)))[-1]
        name = row["network"]
        stage, arch, side, macs = known.get(name, (name.split("-")[0], name, 0, int(float(row["nn_macs"]))))
        ms = float(row["inference_time"]) * 1e3
        bar = BARS.get(stage) if stage != "find" or side in (0, 320) else None
        file = os.path.join(a.out, name + "_vela.tflite")
        lines.append("| %s | %.0f | %.2f | %s | %.2f M | %.2f M | %.0f | %.0f |" % (
            "%s: %s at %d" % (stage, arch, side) if side else name, macs / 1e6, ms, "%.1f" % bar + (" missed" if ms > bar else "") if bar else "-", float(row["cycles_npu"]) / 1e6,
            float(row["cycles_dram_access"]) / 1e6, float(row["dram_memory_used"]), os.path.getsize(file) / 1024))
        if bar and ms > bar:
            missed.append((name, operators(os.path.join(a.logs, name + ".log")) if a.logs else []))
    text = "\n".join(lines) + "\n"
    for name, rows in missed:
        text += "\n%s misses its bar. Its most expensive operators:\n\n| operator | cycles | share |\n|---|---|---|\n" % name
        for op, cycles, share, what in rows[:8]:
            text += "| %s %s | %d | %.1f %% |\n" % (op, what, cycles, share)
    print(text)
    if a.write:
        begin, end = "<!-- vela.sh begins -->\n", "<!-- vela.sh ends -->\n"
        page = open(a.write).read()
        head, rest = page.split(begin, 1)
        tail = rest.split(end, 1)[1]
        open(a.write, "w").write(head + begin + "`tools/vela.sh --write`, Vela %s, `tools/imx93.ini`. All operators of every network below are on the NPU.\n\n" % a.version + text + end + tail)


main()

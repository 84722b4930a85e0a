#!/usr/bin/env python3
"""make bench: our speed beside that of the alternatives, in one run, piece by piece in turn, so that what disturbs one disturbs the other.

Networks   one image on one thread, 16 images on two, the same with a neighbour that keeps a core busy, training steps; PyTorch and ONNX Runtime where they are installed
sift       frames/s on 12-megapixel JPEGs beside libjpeg-turbo's reduced-size decoding alone
search     a catalogue query beside reading that much memory

Prints a table and writes all numbers to build/bench.json. Times are best (median); ratios are of the best ones, and beside them, for work of one thread, those of processor time, which say more
while other programs run. ONNX Runtime: `pip install onnxruntime` (any interpreter: --python); PyTorch and torchvision: the Debian packages python3-torch and python3-torchvision with
libopenblas0-pthread (with the plain reference BLAS its matrix products are ten to twenty times slower)."""
import argparse
import contextlib
import json
import os
import subprocess
import sys
import time

from bench_engines import Busy, Engine, Failed, find_reference, find_torch, slow_blas
from bench_table import bar_text, join, number, print_table, rates, ratio, summary, times

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
IMAGES, THREADS = 16, 2
LARGE_MACS = 1e9  # networks above train in small batches
SLACK_SECONDS = 60  # a network may be late by this before measurements are left out of its first round


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--busy", action="store_true", help="everything with a second process that keeps a core busy")
    p.add_argument("--only", default="networks,sift,search", help="parts to run (default: %(default)s)")
    p.add_argument("--networks", default="", help="names, separated by commas (default: all)")
    p.add_argument("--seconds", type=float, default=0.6, help="of one measurement (default: %(default)s)")
    p.add_argument("--rounds", type=int, default=3, help="most rounds of a network (default: %(default)s)")
    p.add_argument("--budget", type=float, default=230, help="seconds for all networks; rounds are left out to keep it (default: %(default)s)")
    p.add_argument("--rows", type=int, default=262144, help="embeddings that are searched (default: %(default)s)")
    p.add_argument("--python", action="append", default=[], help="interpreter with onnxruntime or torch; may be repeated")
    p.add_argument("--blas", default="", help="folder with the libblas.so.3 that PyTorch is to use")
    p.add_argument("--build", default=os.path.join(ROOT, "build", "bench"), help="folder of the bench programs")
    p.add_argument("--out", default=os.path.join(ROOT, "build", "bench.json"))
    return p.parse_args()


def machine():
    model = ""
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "")
    return {"cpu": model, "cores": os.cpu_count(), "load_before": os.getloadavg()[0], "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def run_json(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failed(f"{os.path.basename(command[0])} failed")
    return json.loads(done.stdout)


# ---- networks ----

def measures(net):
    """(key, label, images in a sample, threads, with a busy neighbour, {engine: requests}). Of several requests the quicker counts: ONNX Runtime may split inside operations or across images."""
    batch = 4 if net["macs"] > LARGE_MACS else IMAGES

    def many(chunk):
        return f"many {{net}} {IMAGES} {chunk} {THREADS} {{seconds}}"

    both = {"ursid": [many(IMAGES // THREADS)], "onnxruntime": [many(0), many(IMAGES // THREADS)], "torch": [many(0)]}
    one = "one {net} {seconds}"
    rows = [("one", "1 image, 1 thread", 1, 1, False, {"ursid": [one], "onnxruntime": [one], "torch": [one]}),
            ("many", f"{IMAGES} images, {THREADS} threads", IMAGES, THREADS, False, both),
            ("many_single", "  in parts of 1 image", IMAGES, THREADS, False, {"ursid": [many(1)]}),
            ("many_busy", "  and a busy neighbour", IMAGES, THREADS, True, both)]
    for threads in (1, THREADS):
        step = f"train {{net}} {batch} {threads} {{seconds}}"
        rows.append((f"train_{threads}", f"training, {threads} thread{'s' if threads > 1 else ''}", batch, threads, False, {"ursid": [step], "torch": [step]}))
    return rows


def measure_network(net, engines, options, deadline, notes):
    """{measure: {engine: {request: samples}}}; rounds until the deadline."""
    result, failed = {}, set()
    for number_of_round in range(options.rounds):
        began = time.monotonic()
        for key, _, _, _, busy, requests in measures(net):
            if time.monotonic() > deadline + SLACK_SECONDS and key != "one":
                notes.append(f"{net['name']}: {key} was left out of a round, because the time was over")
                continue
            with Busy() if busy and not options.busy else contextlib.nullcontext():
                for name in sorted(requests, reverse=number_of_round % 2 == 0):
                    for request in requests[name]:
                        if name not in engines or (name, request) in failed:
                            continue
                        try:
                            samples = engines[name].ask(request.format(net=net["name"], seconds=options.seconds))
                        except Failed as e:
                            failed.add((name, request))
                            notes.append(str(e))
                            continue
                        join(result.setdefault(key, {}).setdefault(name, {}).setdefault(request, {"wall": [], "cpu": []}), samples)
        if 2 * time.monotonic() - began > deadline:
            break
    return result


def best_of(requests):
    """Summary of the quickest request of one engine."""
    every = [s for s in (summary(x) for x in (requests or {}).values()) if s]
    return min(every, key=lambda s: s["median"]) if every else None


def network_row(net, measure, result):
    """A row of the table, and the same as JSON."""
    key, label, images, threads, _, _ = measure
    ours, onnx, torch = (best_of(result.get(key, {}).get(e)) for e in ("ursid", "onnxruntime", "torch"))
    training = key.startswith("train")
    cell = {"images": images, "threads": threads, "ursid": ours, "onnxruntime": onnx, "torch": torch}
    bar = ""
    if training:
        show = lambda s: rates(s, images)
        cell["of_torch"], cell["of_torch_cpu"] = ratio(torch, ours, "best"), ratio(torch, ours, "cpu") if threads == 1 else None
        bar = bar_text(cell["of_torch"], 3.0 if net["name"].startswith("mobilenet_v3_small") else 1.3, True)
        label += f" of {images}"
    else:
        show = times
        for name, other in (("onnxruntime", onnx), ("torch", torch)):
            cell["of_" + name], cell[f"of_{name}_cpu"] = ratio(ours, other, "best"), ratio(ours, other, "cpu") if threads == 1 else None
        if key == "one":
            bar = bar_text(cell["of_onnxruntime"], 0.8 if net["name"].startswith("mobilenet_v3_small") else 1.0, False)
    row = [net["name"] if key == "one" else "", label, "im/s" if training else "ms", show(ours), show(onnx), show(torch)]
    row += [number(cell.get(c)) for c in ("of_onnxruntime", "of_onnxruntime_cpu", "of_torch", "of_torch_cpu")] + [bar]
    return row, {key: cell}


def effort(net):
    """Share of the time; large networks need more, because a single run is longer than what a measurement takes."""
    return 2.5 if net["macs"] > LARGE_MACS else 1.0


def networks(options, engines, notes):
    ours = engines["ursid"].command
    every = run_json(ours + ["list"])
    wanted = [n for n in options.networks.split(",") if n]
    unknown = set(wanted) - {n["name"] for n in every}
    if unknown:
        raise Failed("there is no network " + ", ".join(sorted(unknown)))
    every = [n for n in every if not wanted or n["name"] in wanted]
    end, rows, report = time.monotonic() + options.budget, [], {}
    for i, net in enumerate(every):
        print(f"bench: {net['name']}", file=sys.stderr)
        here = dict(engines)
        if "onnxruntime" in here and not export(net, engines, options, notes):
            del here["onnxruntime"]
        share = max(0.0, end - time.monotonic()) / sum(effort(n) for n in every[i:])
        result = measure_network(net, here, options, time.monotonic() + share * effort(net), notes)
        memory = run_json(ours + ["memory", net["name"]])
        report[net["name"]] = dict(net, memory=memory)
        for measure in measures(net):
            row, cell = network_row(net, measure, result)
            rows.append(row)
            report[net["name"]].update(cell)
        rows.append(f"{'':20}memory for 1 image: plan {memory['plan'] / 2**20:.1f}, weights {memory['parameters'] / 2**20:.1f}, whole process {memory['peak_resident'] / 2**20:.0f} MiB")
    print_table(["network", "measure", "", "ursid", "ONNX Runtime", "PyTorch", "/ ORT", "cpu", "/ torch", "cpu", "bar"], rows)
    print("im/s: images a second, ratios are ours over theirs (more is better); ms: ratios are our time over theirs (less is better). best (median)")
    return report


def export(net, engines, options, notes):
    """The ONNX file of a network, made by PyTorch where it is not there or older than what makes it."""
    path = os.path.join(options.build, "onnx", net["name"] + ".onnx")
    if os.path.exists(path) and os.path.getmtime(path) > os.path.getmtime(os.path.join(HERE, "compare.py")):
        return True
    if "torch" not in engines:
        return os.path.exists(path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        engines["torch"].ask(f"export {net['name']} {path}")
    except Failed as e:
        notes.append(str(e))
        return False
    return True


# ---- sift and search ----

def sift(options, busy):
    """Rows and report of the stage that sees every frame."""
    folder = os.path.join(options.build, "frames")
    program = os.path.join(options.build, "bench_sift")
    subprocess.run([program, folder, "4", "0", "0"], check=False)  # draws the frames; what fails here fails below
    with Busy() if busy else contextlib.nullcontext():
        raw = run_json([program, folder, "4", str(options.seconds), str(options.rounds), str(THREADS)])
    rows, report = [], {k: raw[k] for k in ("arch", "width", "height", "bytes", "reduction", "parts", "peak_resident")}
    for t in raw["threads"]:
        floor, ours = summary(t["floor"]), summary(t["sift"])
        share, cpu = ratio(floor, ours, "best"), ratio(floor, ours, "cpu")
        label = f"{t['threads']} thread{'s' if t['threads'] > 1 else ''}{', a busy neighbour' if busy else ''}"
        rows.append(["sift", label, rates(ours, raw["frames"]), rates(floor, raw["frames"]), number(share), number(cpu), "" if busy else bar_text(share, 0.9, True)])
        report[f"threads_{t['threads']}"] = {"sift": ours, "floor": floor, "share": share, "share_cpu": cpu}
    return rows, report


def search(options):
    raw = run_json([os.path.join(options.build, "bench_search"), str(options.rows), "512"])
    read = summary(raw["read"])
    report = {"rows": raw["rows"], "dim": raw["dim"], "bytes": raw["bytes"], "read": read}
    lines = []
    for key in ("bears_query", "chips_query"):
        ours = summary(raw[key])
        report[key] = dict(ours, share=ratio(read, ours, "best"), share_cpu=ratio(read, ours, "cpu"))
        lines.append(["search", f"best {key.split('_')[0]} of {raw['rows']}", f"{number(raw['bytes'] / ours['best'] / 1e9)} ({number(raw['bytes'] / ours['median'] / 1e9)}) GB/s",
                      f"{number(raw['bytes'] / read['best'] / 1e9)} ({number(raw['bytes'] / read['median'] / 1e9)}) GB/s", number(report[key]["share"]),
                      number(report[key]["share_cpu"]), bar_text(report[key]["share"], 0.9, True)])
    return lines, report


def stages(options, parts, report):
    rows = []
    if "sift" in parts:
        for busy in ([False] if options.busy else [False, True]):
            print(f"bench: sift{', with a busy neighbour' if busy else ''}", file=sys.stderr)
            more, report["sift_busy" if busy else "sift"] = sift(options, busy)
            rows += more
    if "search" in parts:
        print("bench: search", file=sys.stderr)
        more, report["search"] = search(options)
        rows += more
    if not rows:
        return
    print()
    print_table(["stage", "measure", "ursid", "floor", "share", "cpu", "bar"], rows)
    if "sift" in parts:
        s = report["sift"]
        print(f"sift: {s['arch']}, frames a second, {s['width']} x {s['height']}, {s['bytes'] / 1e6:.1f} MB each, decoded at 1/{s['reduction']}; the floor is libjpeg-turbo alone, from memory; one frame: "
              + ", ".join(f"{k} {v * 1e3:.2f} ms" for k, v in s["parts"].items()) + f"; largest memory {s['peak_resident'] / 2**20:.0f} MiB")
    if "search" in parts:
        print(f"search: {report['search']['bytes'] / 1e6:.0f} MB a query, one thread; the floor reads that much memory and does nothing else")


def main():
    options = arguments()
    parts = set(options.only.split(","))
    if not parts <= {"networks", "sift", "search"}:
        sys.exit("bench: --only takes networks, sift and search")
    program = os.path.join(options.build, "bench_networks")
    if not os.path.exists(program):
        sys.exit(f"bench: there is no {program}; `make bench` builds it")
    environment = {"URSID_BENCH_ONNX": os.path.join(options.build, "onnx")}
    pythons = options.python + os.environ.get("URSID_BENCH_PYTHON", "").split(":")
    engines, notes, report, began = {"ursid": Engine("ursid", [program])}, [], {"machine": machine(), "busy": options.busy}, time.monotonic()
    if "networks" in parts:
        for name, found in (("onnxruntime", find_reference("onnxruntime", pythons, environment)),
                            ("torch", find_torch(pythons, environment, options.blas or os.environ.get("URSID_BENCH_BLAS", "")))):
            if found:
                engines[name] = found
            else:
                notes.append(f"{name} is not installed for any interpreter that was tried: its columns are empty")
    report["engines"] = {n: e.facts for n, e in engines.items()}
    blas = engines["torch"].facts["blas"] if "torch" in engines else ""
    if slow_blas(blas):
        notes.append(f"PyTorch runs on {blas}, which is slow: install libopenblas0-pthread for a fair comparison")
    print(f"{report['machine']['cpu']}, {os.cpu_count()} cores, load {report['machine']['load_before']:.1f}"
          + "".join(f"; {n} {f.get('version', '')}{' on ' + f['blas'] if f.get('blas') else ''}" for n, f in report["engines"].items() if f) + ("; with a busy neighbour" if options.busy else ""))
    if report["machine"]["load_before"] > 0.5:
        notes.append("other programs were running: medians and ratios of wall time are not those of a quiet machine")
    code = 0
    try:
        with Busy() if options.busy else contextlib.nullcontext():
            if "networks" in parts:
                report["networks"] = networks(options, engines, notes)
                for engine in engines.values():
                    engine.close()
            stages(options, parts, report)
    except Failed as e:
        notes.append(str(e))
        code = 1
    finally:
        for engine in engines.values():
            engine.close()
    report["seconds"], report["notes"] = time.monotonic() - began, notes
    for note in notes:
        print("note: " + note)
    with open(options.out, "w") as f:
        json.dump(report, f, indent=1)
        f.write("\n")
    print(f"{report['seconds']:.0f} s; numbers in {os.path.relpath(options.out)}")
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Halogen beside torch, onnxruntime and openvino: one process, the same buffers, one after the other in turns.

    ./dev bench --peers [--filter TEXT] [--threads 1,2] [--seconds S] [--out DIR]

GB/s counts one read and one write of the tensor. Every library runs with the same number of threads; figures are
medians, the spread is half the distance between the quartiles.
"""
import argparse
import ctypes
import datetime
import json
import math
import os
import pathlib
import statistics
import sys
import time

import peer_torch_stubs

HERE = pathlib.Path(__file__).resolve().parent
MODES = {"instance": ("instance",), "batch": ("train", "eval")}


class Buffers:
    """The tensors of one problem, page-aligned, with ordinary numbers in them."""

    eps, momentum = 1e-5, 0.1

    def __init__(self, shape):
        random = numpy.random.default_rng(1)
        self.x, self.y = self.aligned(shape), self.aligned(shape)
        self.x[...] = random.standard_normal(shape, numpy.float32)
        channels = shape[1]
        self.weight = random.uniform(0.5, 1.5, channels).astype(numpy.float32)
        self.bias = random.uniform(-0.5, 0.5, channels).astype(numpy.float32)
        self.mean = random.uniform(-0.1, 0.1, channels).astype(numpy.float32)
        self.var = random.uniform(0.9, 1.1, channels).astype(numpy.float32)

    @staticmethod
    def aligned(shape, page=4096):
        raw = numpy.zeros(math.prod(shape) * 4 + page, numpy.uint8)
        start = -raw.ctypes.data % page
        return raw[start:start + math.prod(shape) * 4].view(numpy.float32).reshape(shape)


def read_problems(text):
    """(model, name, scope, shape) of every line in shapes/*.txt whose model/name has `text` in it."""
    problems = []
    for path in sorted((HERE / "shapes").glob("*.txt")):
        for line in path.read_text().splitlines():
            words = line.split("#")[0].split()
            if words and text in f"{path.stem}/{words[0]}":
                problems.append((path.stem, words[0], words[1], tuple(map(int, words[2:]))))
    return problems


def keep_freed_memory():
    """Has the C library keep freed memory for the next allocation, so that torch's new outputs cost no page faults."""
    m_trim_threshold, m_mmap_max = -1, -4
    libc = ctypes.CDLL(None)
    libc.mallopt(m_mmap_max, 0)
    libc.mallopt(m_trim_threshold, 2**31 - 1)


def block(run, repetitions):
    """Seconds per call, after one call that is not counted."""
    run()
    begin = time.perf_counter()
    for _ in range(repetitions):
        run()
    return (time.perf_counter() - begin) / repetitions


def measure(runs, copy, seconds):
    """Times of every entry of `runs` (name -> function), in turns, for about `seconds`. -> name -> list of seconds."""
    single = {name: block(run, 1) for name, run in runs.items() if name != "copy"}
    repetitions = {name: max(1, min(200, math.ceil(1e-3 / t))) for name, t in single.items()}
    repetitions["copy"] = repetitions["halogen"]
    rounds = max(7, min(51, int(seconds / sum(t * (repetitions[name] + 1) for name, t in single.items()))))
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            time.sleep(0.002)  # until the threads of the one before have stopped spinning
            if name == "copy":
                copy.wake()
            times[name].append(block(run, repetitions[name]))
            if name == "copy":
                copy.sleep()
    return times


def summary(times, tensor_bytes):
    """Median, spread and rate of a list of seconds."""
    low, median, high = statistics.quantiles(times, n=4)
    return {"median_s": median, "spread_percent": 50 * (high - low) / median, "min_s": min(times),
            "gb_per_s": 2 * tensor_bytes / median / 1e9}


def check_result(name, got, want):
    """Everyone must have computed the same; a fast wrong answer is none."""
    worst = float(numpy.abs(got - want).max())
    if not worst <= 1e-4:
        raise RuntimeError(f"{name}'s result differs from Halogen's by {worst}")


def run_line(problem, mode, threads, arguments):
    """Measures one line. -> what the JSON says about it."""
    model, name, _, shape = problem
    buffers = Buffers(shape)
    halogen, copy = Halogen(arguments.library, threads), Copy(arguments.copy, threads)
    runs = {"copy": copy.prepare(buffers), "halogen": halogen.prepare(mode, buffers)}
    runs["halogen"]()
    want, absent = buffers.y.copy(), {}
    for framework in FRAMEWORKS:
        try:
            run = framework(threads).prepare(mode, buffers)
        except NotApplicable as reason:
            absent[framework.name] = str(reason)
            continue
        check_result(framework.name, run.result(), want)
        runs[framework.name] = run
    times = measure(runs, copy, arguments.seconds)
    kernels = runs["halogen"].kernels
    copy.close()
    halogen.close()
    result = {"model": model, "name": name, "mode": mode, "shape": shape, "threads": threads, "kernels": kernels}
    result.update({runner: summary(t, buffers.x.nbytes) for runner, t in times.items()})
    result["not_applicable"] = absent
    result["copy_percent"] = 100 * result["copy"]["median_s"] / result["halogen"]["median_s"]
    best = min((result[f.name]["median_s"] for f in FRAMEWORKS if f.name in result), default=None)
    result["times_best_peer"] = best and best / result["halogen"]["median_s"]
    return result


class Table:
    """Prints, and keeps what it printed."""

    def __init__(self):
        self.lines = []

    def line(self, text=""):
        print(text, flush=True)
        self.lines.append(text)

    def heading(self):
        peers = "".join(f"{framework.name:>16}" for framework in FRAMEWORKS)
        self.line(f"{'shape':<32}{'mode':<9}{'thr':>3}{'copy':>7}{'halogen':>16}{'%copy':>7}{peers}{'x best':>8}")

    def result(self, result):
        def rate(name):
            entry = result.get(name)
            return f"{entry['gb_per_s']:8.1f} ±{entry['spread_percent']:4.0f} %" if entry else f"{'n/a':>16}"
        shape = f"{result['model']}/{result['name']}"
        peers = "".join(rate(framework.name) for framework in FRAMEWORKS)
        ratio = f"{result['times_best_peer']:8.2f}" if result["times_best_peer"] else f"{'':>8}"
        self.line(f"{shape:<32}{result['mode']:<9}{result['threads']:>3}{result['copy']['gb_per_s']:7.1f}"
                  f"{rate('halogen')}{result['copy_percent']:7.1f}{peers}{ratio}")

    def means(self, results):
        for mode in ("instance", "train", "eval"):
            for threads in sorted({result["threads"] for result in results}):
                ratios = [result["times_best_peer"] for result in results
                          if (result["mode"], result["threads"]) == (mode, threads) and result["times_best_peer"]]
                if ratios:
                    self.line(f"geometric mean, {mode}, {threads} threads: "
                              f"{statistics.geometric_mean(ratios):.2f} times the best peer")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True, help="libhalogen.so")
    parser.add_argument("--copy", help="libhalogen_bench_copy.so; default: the one in build/")
    parser.add_argument("--filter", default="", help="only shapes whose model/name contains this")
    parser.add_argument("--threads", default="1,2", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--seconds", default=2.0, type=float, help="per line")
    parser.add_argument("--out", type=pathlib.Path, help="folder for peers.txt and peers.json")
    arguments = parser.parse_args()
    if arguments.copy is None:
        built = sorted(HERE.parent.glob("build/*/bench/libhalogen_bench_copy.so"))
        if not built:
            parser.error("no libhalogen_bench_copy.so in build/: build the target halogen_bench, or give --copy")
        arguments.copy = str(built[-1])
    return arguments


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(": ", 1)[1]
    return "unknown"


def main(arguments):
    problems = read_problems(arguments.filter)
    if not problems:
        sys.exit(f"No shape's model/name contains '{arguments.filter}'.")
    keep_freed_memory()
    table, results = Table(), []
    probe = Halogen(arguments.library, 1)
    versions = {"halogen": probe.version(), **{framework.name: framework.version for framework in FRAMEWORKS}}
    probe.close()
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    table.line(", ".join(f"{name} {version}" for name, version in versions.items()))
    table.line(f"{cpu_model()}; {now}; GB/s, medians ± spread")
    load = os.getloadavg()[0]
    if load > 0.5:
        table.line(f"The load average is {load:.1f}: with other programs running, the figures are off.")
    table.line()
    table.heading()
    for problem in problems:
        for mode in MODES[problem[2]]:
            for threads in arguments.threads:
                results.append(run_line(problem, mode, threads, arguments))
                table.result(results[-1])
    table.line()
    table.means(results)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "peers.txt").write_text("\n".join(table.lines) + "\n")
        (arguments.out / "peers.json").write_text(json.dumps(
            {"versions": versions, "cpu": cpu_model(), "date": now, "load_before": load, "results": results},
            indent=1) + "\n")


if __name__ == "__main__":
    parsed = parse_arguments()
    peer_torch_stubs.make_importable()
    import numpy
    from peer_frameworks import FRAMEWORKS, NotApplicable
    from peer_halogen import Copy, Halogen
    main(parsed)

"""Halogen beside torch, onnxruntime and openvino: one process, the same buffers, one after the other in turns.

    ./dev bench --peers [--filter TEXT] [--modes M] [--dtypes D] [--layouts L] [--threads 1,2] [--seconds S] [--out DIR]

GB/s counts one read and one write of the tensor; backward (with saved statistics, the gradients of input, weight and bias),
two reads and one write. Every library runs with the same number of threads; figures are medians, the spread is half the
distance between the quartiles. %copy is the time of a copy of as many bytes in Halogen's.
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
MODES = ("train", "eval", "instance", "group", "layer", "backward")
DTYPES = ("f32", "f64", "f16", "bf16")
LAYOUTS = ("first", "last")
# Seconds from one library's turn to the next one's: OpenMP's threads spin for milliseconds after their work, on a CPU that the next needs.
SETTLE = 0.01
# Seconds of a turn: a kernel may take milliseconds to put a thread that was asleep on a CPU of its own.
TURN = 0.005


def keep_freed_memory():
    """Has the C library keep freed memory for the next allocation, so that torch's new outputs cost no page faults."""
    m_trim_threshold, m_mmap_max = -1, -4
    libc = ctypes.CDLL(None)
    libc.mallopt(m_mmap_max, 0)
    libc.mallopt(m_trim_threshold, 2**31 - 1)


def block(run, repetitions):
    """Seconds per call, after as many calls that are not counted."""
    for _ in range(repetitions):
        run()
    begin = time.perf_counter()
    for _ in range(repetitions):
        run()
    return (time.perf_counter() - begin) / repetitions


def measure(runs, seconds):
    """Times of every entry of `runs` (name -> function), in turns, for about `seconds`. -> name -> list of seconds."""
    def turn(run, repetitions):
        time.sleep(SETTLE)
        team = getattr(run, "team", None)
        if team:
            team.wake()
        taken = block(run, repetitions)
        if team:
            team.sleep()
        return taken
    single = {name: turn(run, 1) for name, run in runs.items()}
    repetitions = {name: max(1, min(200, math.ceil(TURN / t))) for name, t in single.items()}
    rounds = max(7, min(51, int(seconds / sum(2 * t * repetitions[name] + SETTLE for name, t in single.items()))))
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(turn(run, repetitions[name]))
    return times


def summary(times, moved_bytes):
    """Median, spread and rate of a list of seconds."""
    low, median, high = statistics.quantiles(times, n=4)
    return {"median_s": median, "spread_percent": 50 * (high - low) / median, "min_s": min(times),
            "gb_per_s": moved_bytes / median / 1e9}


def run_line(line, arguments):
    """Measures one line. -> what the JSON says about it."""
    problem, buffers = line.problem, Buffers(line)
    halogen, copy = Halogen(arguments.library, line.threads), Copy(arguments.copy, line.threads)
    runs = {"copy": copy.prepare(buffers), "halogen": halogen.prepare(buffers)}
    runs["halogen"]()
    want, absent = buffers.results(), {}
    for framework in FRAMEWORKS:
        try:
            run = framework(line.threads).prepare(buffers)
        except NotApplicable as reason:
            absent[framework.name] = str(reason)
            continue
        check_result(framework.name, line, run.result(), want)
        runs[framework.name] = run
    del want
    times = measure(runs, arguments.seconds)
    kernels = runs["halogen"].kernels
    copy.close()
    halogen.close()
    result = {"model": problem.model, "name": problem.name, "mode": line.mode, "dtype": line.dtype, "layout": line.layout,
              "shape": problem.shape, "threads": line.threads, "kernels": kernels}
    moved = buffers.x.nbytes * (3 if line.backward else 2)
    result.update({runner: summary(t, moved) for runner, t in times.items()})
    result["not_applicable"] = absent
    result["copy_percent"] = 100 * result["copy"]["median_s"] / result["halogen"]["median_s"]
    result["times"] = {f.name: result[f.name]["median_s"] / result["halogen"]["median_s"] for f in FRAMEWORKS if f.name in result}
    result["times_best_peer"] = min(result["times"].values(), default=None)
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
        self.line(f"{'shape':<32}{'mode':<9}{'data':<11}{'thr':>3}{'copy':>7}{'halogen':>16}{'%copy':>7}{peers}{'x best':>8}")

    def result(self, result):
        def rate(name):
            entry = result.get(name)
            return f"{entry['gb_per_s']:8.1f} ±{entry['spread_percent']:4.0f} %" if entry else f"{'n/a':>16}"
        shape = f"{result['model']}/{result['name']}"
        peers = "".join(rate(framework.name) for framework in FRAMEWORKS)
        ratio = f"{result['times_best_peer']:8.2f}" if result["times_best_peer"] else f"{'':>8}"
        self.line(f"{shape:<32}{result['mode']:<9}{result['dtype']:<5}{result['layout']:<6}{result['threads']:>3}"
                  f"{result['copy']['gb_per_s']:7.1f}{rate('halogen')}{result['copy_percent']:7.1f}{peers}{ratio}")

    def means(self, means):
        for mean in means:
            peers = ", ".join(f"{ratio:.2f} times {name}" for name, ratio in mean["times"].items())
            self.line(f"geometric mean, {mean['mode']} {mean['dtype']} {mean['layout']}, {mean['threads']} threads: "
                      f"{mean['times_best_peer']:.2f} times the best peer (at least {mean['least']:.2f}); {peers}")


def geometric_means(results):
    """Of each mode, dtype, layout and thread count that has a peer."""
    groups = {}
    for result in results:
        if result["times"]:
            groups.setdefault(tuple(result[key] for key in ("mode", "dtype", "layout", "threads")), []).append(result)
    means = []
    for (mode, dtype, layout, threads), group in groups.items():
        best = [result["times_best_peer"] for result in group]
        times = {}
        for result in group:
            for name, ratio in result["times"].items():
                times.setdefault(name, []).append(ratio)
        means.append({"mode": mode, "dtype": dtype, "layout": layout, "threads": threads,
                      "times_best_peer": statistics.geometric_mean(best), "least": min(best),
                      "times": {name: statistics.geometric_mean(ratios) for name, ratios in times.items()}})
    return means


def choice(known):
    """The type of an option that takes some of `known`, or all."""
    def parse(text):
        chosen = known if text == "all" else tuple(text.split(","))
        if not set(chosen) <= set(known):
            raise argparse.ArgumentTypeError(f"some of {','.join(known)}, or all; not '{text}'")
        return chosen
    return parse


def built_copy(parser):
    """The bench's library of copies and multiply-adds."""
    built = sorted(HERE.parent.glob("build/*/bench/libhalogen_bench_copy.so"))
    if not built:
        parser.error("no libhalogen_bench_copy.so in build/: build the target halogen_bench, or give --copy")
    return str(built[-1])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True, help="libhalogen.so")
    parser.add_argument("--copy", help="libhalogen_bench_copy.so; default: the one in build/")
    parser.add_argument("--filter", default="", help="only shapes whose model/name contains this")
    parser.add_argument("--modes", default=MODES[:-1], type=choice(MODES),
                        help=f"some of {','.join(MODES)}, or all; default: all but backward")
    parser.add_argument("--dtypes", default=("f32",), type=choice(DTYPES), help=f"some of {','.join(DTYPES)}, or all; default: f32")
    parser.add_argument("--layouts", default=("first",), type=choice(LAYOUTS),
                        help="where channels are in memory: first, last, or all; default: first")
    parser.add_argument("--threads", default="1,2", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--seconds", default=2.0, type=float, help="per line")
    parser.add_argument("--out", type=pathlib.Path, help="folder for peers.txt and peers.json")
    arguments = parser.parse_args()
    arguments.copy = arguments.copy or built_copy(parser)
    return arguments


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(": ", 1)[1]
    return "unknown"


def main(arguments):
    lines = [Line(problem, mode, dtype, layout, threads)
             for problem in read_problems(arguments.filter)
             for mode in problem.modes if mode in arguments.modes
             for dtype in arguments.dtypes
             for layout in problem.layouts if layout in arguments.layouts
             for threads in arguments.threads]
    if not lines:
        sys.exit(f"No shape's model/name contains '{arguments.filter}', or none has these modes and layouts.")
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
    for line in lines:
        results.append(run_line(line, arguments))
        table.result(results[-1])
    means = geometric_means(results)
    table.line()
    table.means(means)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "peers.txt").write_text("\n".join(table.lines) + "\n")
        (arguments.out / "peers.json").write_text(json.dumps(
            {"versions": versions, "cpu": cpu_model(), "date": now, "load_before": load, "means": means,
             "results": results},
            indent=1) + "\n")


if __name__ == "__main__":
    parsed = parse_arguments()
    peer_torch_stubs.make_importable()
    from peer_frameworks import FRAMEWORKS, NotApplicable
    from peer_halogen import Copy, Halogen
    from peer_problem import Buffers, Line, check_result, read_problems
    main(parsed)

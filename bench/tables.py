#!/usr/bin/env python3
"""The tables of docs/performance.md and docs/performance-conv.md, from what the benchmarks left.

    python bench/tables.py FILE.json... >> docs/performance.md

Files: bench.json of `./dev bench --all --threads 1,2 --out DIR`, or of parts of it; peers.json of `./dev bench --peers --out DIR`;
conv_peers.json of `./dev bench --conv-peers --out DIR`.
"""
import json
import statistics
import sys


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def geometric(values):
    values = list(values)
    return f"{statistics.geometric_mean(values):.0f}" if values else "–"


def by_threads(results):
    """Results by name without its threads: {name: {threads: result}}, in order."""
    found = {}
    for result in results:
        if "error" not in result:
            name, _, threads = result["name"].partition("/threads:")
            found.setdefault(name, {})[int(threads or 1)] = result
    return found


def modes(lines):
    groups = {}
    for of_threads in lines.values():
        first = next(iter(of_threads.values()))
        groups.setdefault((first["mode"], first["dtype"], first["layout"]), []).append(of_threads)
    rows = []
    for (mode, dtype, layout), group in sorted(groups.items()):
        row = [mode, dtype, layout]
        for threads in (1, 2):
            percents = {of[threads]["name"].split("/", 1)[1].rsplit(f"/{mode}", 1)[0]: of[threads]["bound_percent"]
                        for of in group if threads in of}
            least = min(percents, key=percents.get, default=None)
            row += [geometric(percents.values()), f"{percents[least]:.0f} {least}" if least else "–"]
        rows.append(row)
    table(["mode", "dtype", "channels", "1 thread %", "least", "2 threads %", "least"], rows)


def shapes(lines):
    rows = []
    for of in lines.values():
        first = next(iter(of.values()))
        if (first["dtype"], first["layout"]) != ("f32", "first"):
            continue
        row = ["/".join(first["name"].split("/")[1:3]) + " " + first["label"].split()[0],
               first["mode"] + (", 2 passes" if first["passes"] > 1 else ""), f"{first['goal_percent']:.0f}"]
        for threads in (1, 2):
            r = of.get(threads)
            row += [f"{r['gb_per_s']:.1f}", f"{r['copy_gb_per_s']:.1f}", f"{r['bound_percent']:.0f}"] if r else ["–"] * 3
        rows.append(row)
    table(["shape", "mode", "goal %", "1 thread GB/s", "copy", "%", "2 threads GB/s", "copy", "%"], rows)


def shortest(result):
    """The share of the bound that the shortest of all times had."""
    return result["bound_percent"] * result["median_s"] / result["min_s"]


GRADIENTS = ("input", "weight", "all")


def convolution_means(lines):
    groups = {}
    for name, of in lines.items():
        first = next(iter(of.values()))
        mode = name.rsplit("/", 1)[1] if name.startswith("conv_transpose1d_backward/") else "forward"
        groups.setdefault((mode, first["goal_percent"]), []).append(of)
    rows = []
    for (mode, goal), group in sorted(groups.items()):
        row = [mode, f"{goal:.0f}", len(group)]
        for threads in (1, 2):
            results = [of[threads] for of in group if threads in of]
            least = min(results, key=lambda r: r["bound_percent"], default=None)
            row += [geometric(r["bound_percent"] for r in results), geometric(map(shortest, results)),
                    f"{least['bound_percent']:.0f}" if least else "–"]
        rows.append(row)
    table(["mode", "goal %", "shapes", "1 thread %", "shortest", "least", "2 threads %", "shortest", "least"], rows)


def share(result):
    return f"{result['bound_percent']:.0f} ({shortest(result):.0f})" if result else "–"


def convolutions(lines):
    forward, backward = [], {}
    for name, of in lines.items():
        kind, _, line = name.partition("/")
        if kind == "conv_transpose1d":
            rates = [f"{of[threads]['gflop_per_s']:.0f}" if threads in of else "–" for threads in (1, 2)]
            forward.append([line, f"{next(iter(of.values()))['goal_percent']:.0f}", rates[0], share(of.get(1)), rates[1], share(of.get(2))])
        else:
            shape, _, mode = line.rpartition("/")
            backward.setdefault(shape, {})[mode] = of
    table(["forward", "goal %", "1 thread GFLOP/s", "% of bound", "2 threads GFLOP/s", "% of bound"], forward)
    table(["backward", *(f"{mode}, {threads}" for mode in GRADIENTS for threads in ("1 thread", "2"))],
          [[shape, *(share(of.get(mode, {}).get(threads)) for mode in GRADIENTS for threads in (1, 2))] for shape, of in backward.items()])


def of_threads(of, show):
    return [show(of[threads]) if threads in of else "–" for threads in (1, 2)]


def first_calls(lines):
    """What packing and a context's first call take longer than a call, in copies of the weights; idle lanes."""
    rows = [[name.split("/", 1)[1], f"{next(iter(of.values()))['idle_lanes_percent']:.0f}",
             *of_threads(of, lambda r: f"{r['packing_copies']:.1f}"), *of_threads(of, lambda r: f"{r['first_copies']:.1f}"),
             *of_threads(of, lambda r: f"{(r['first_s'] - r['median_s']) * 1e6:.0f}")]
            for name, of in lines.items() if name.startswith("conv_transpose1d/")]
    table(["forward", "idle lanes %", "packing: copies, 1 thread", "2", "first call: copies, 1 thread", "2", "first call: µs, 1 thread", "2"], rows)


def short(calls, streams):
    """Calls and pushes of a few inputs: the time of reading the packed weights once, of theirs."""
    rows = []
    for name, of in streams.items():
        line = name.split("/", 1)[1]
        call = calls.get(f"conv_transpose1d/{line}", {})
        rows.append([line, *of_threads(call, lambda r: f"{r['read_percent']:.0f}"), *of_threads(of, lambda r: f"{r['read_percent']:.0f}"),
                     *of_threads(of, lambda r: f"{r['times_call']:.2f}")])
    table(["shape", "call %, 1 thread", "2", "push %, 1 thread", "2", "push, of a call's time, 1 thread", "2"], rows)


def dtypes(results):
    """16-bit convolutions: how many times float32's speed."""
    found = {}
    for result in results:
        if result["name"].startswith("conv_dtype/"):
            line, _, threads = result["name"].removeprefix("conv_dtype/").partition("/threads:")
            shape, _, dtype = line.rpartition("/")
            found.setdefault(dtype, {}).setdefault(shape, {})[int(threads)] = result
    columns = [(dtype, threads) for dtype in found for threads in (1, 2)]

    def times(dtype, threads, shape):
        result = found[dtype][shape].get(threads)
        return f"{result['times_f32']:.2f} ({result['times_f32_of_minima']:.2f})" if result else "–"
    shapes = next(iter(found.values()), {})
    if shapes:
        table(["shape", *(f"{dtype}, {threads} thread{'s' * (threads > 1)}" for dtype, threads in columns)],
              [[shape, *(times(*column, shape) for column in columns)] for shape in shapes])
        for dtype, threads in columns:
            ratios = [of[threads]["times_f32"] for of in found[dtype].values() if threads in of]
            if ratios:
                print(f"{dtype}, {threads}: geometric mean {statistics.geometric_mean(ratios):.2f}, least {min(ratios):.2f}")
        print()


def strided(results):
    percents = {r["name"]: r["percent"] for r in results if r["name"].startswith("strided/")}
    if percents:
        least = min(percents, key=percents.get)
        print(f"Strided: geometric mean {geometric(percents.values())} %, least {percents[least]:.0f} % ({least}).\n")


PEERS = ("torch", "onnxruntime", "openvino")


def beside(title, unit, results, rates, keys):
    """A row for each line's `keys`, by thread count Halogen, the fastest peer and their ratio."""
    lines = {}
    for result in results:
        if result["times"]:
            lines.setdefault(tuple(result[key] for key in keys), {})[result["threads"]] = result
    threads = sorted({count for of in lines.values() for count in of})

    def cells(result):
        if result is None:
            return "–", "–", "–"
        of = rates(result)
        best = min(result["times"], key=result["times"].get)
        share = f" ({100 * of['halogen'] / of['peak']:.0f} %)" if "peak" in of else ""
        return f"{of['halogen']:.1f}{share}", f"{of[best]:.1f} {best}", f"{result['times_best_peer']:.2f}"
    heads = [(f"{count} thread{'s' * (count > 1)}: halogen {unit}", "best peer", "times") for count in threads]
    table([title, *keys[1:], *(head for group in heads for head in group)],
          [[*line, *(cell for count in threads for cell in cells(of.get(count)))] for line, of in lines.items()])


def peers(means, results):
    table(["mode", "dtype", "channels", "threads", "times the best", "least", *(f"times {name}" for name in PEERS)],
          [[*(m[key] for key in ("mode", "dtype", "layout", "threads")), f"{m['times_best_peer']:.2f}", f"{m['least']:.2f}",
            *(f"{m['times'][name]:.2f}" if name in m["times"] else "–" for name in PEERS)] for m in means])

    def rates(result):
        return {name: result[name]["gb_per_s"] for name in ("halogen", *PEERS) if result.get(name)}
    for dtype, layout in sorted({(r["dtype"], r["layout"]) for r in results}):
        of = [{**r, "line": f"{r['model']}/{r['name']}"} for r in results if (r["dtype"], r["layout"]) == (dtype, layout)]
        beside(f"{dtype}, channel-{layout}", "GB/s", of, rates, ("line", "mode"))


def conv_peers(means, results):
    table(["mode", "threads", "times the best", "least"],
          [[m["mode"], m["threads"], f"{m['times_best_peer']:.2f}", f"{m['least']:.2f}"] for m in means])
    for mode in dict.fromkeys(r["mode"] for r in results):
        beside(mode, "GFLOP/s (of peak)", [r for r in results if r["mode"] == mode], lambda r: r["gflop_per_s"], ("name",))


def bench(results):
    norm = by_threads(r for r in results if r["name"].startswith("norm/"))
    conv = by_threads(r for r in results if "gflop_per_s" in r)
    if norm:
        modes(norm)
        shapes(norm)
    if conv:
        convolution_means(conv)
        convolutions(conv)
        first_calls(conv)
    streams = by_threads(r for r in results if r["name"].startswith("conv_stream/"))
    if streams:
        short(conv, streams)
    dtypes(results)
    strided(results)


def kind(measured):
    if "means" not in measured:
        return "bench"
    return "conv_peers" if "gflop_per_s" in measured["results"][0] else "peers"


def sort_key(mean):
    return [str(mean.get(key, "")) for key in ("mode", "dtype", "layout", "threads")]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    lines = {}
    for name in sys.argv[1:]:
        with open(name) as file:
            measured = json.load(file)
        lines.setdefault(kind(measured), []).append(measured)
    for of_kind, files in lines.items():
        results = [result for measured in files for result in measured["results"]]
        means = sorted((mean for measured in files for mean in measured.get("means", [])), key=sort_key)
        if of_kind == "bench":
            bench(results)
        else:
            {"peers": peers, "conv_peers": conv_peers}[of_kind](means, results)


if __name__ == "__main__":
    main()

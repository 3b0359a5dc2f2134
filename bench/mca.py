#!/usr/bin/env python3
"""The convolution's inner loops in LLVM's models of CPUs (llvm-mca 19): the share of the multiply-adds that the CPU could issue.

usage: mca.py KERNELS --target TARGET [--check] [--update] [--work DIR]

KERNELS is a build's folder of kernels. A loop is innermost, from a backward branch's target to the branch; of a kernel's copies of a loop
(as many sums, multiply-adds in a turn) the least and the largest share count. The peak is what the model makes of a long sequence of
independent multiply-adds, so that no table of machines is needed. Caches are not in these models.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import re
import subprocess
import sys

DOCUMENT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "docs", "scheduling.md"))
BEGIN, END = "<!-- ./dev mca -->\n", "<!-- end -->\n"
TURNS = 200

# What there is by target: variants of kernels, the CPUs that they are for.
CPUS = {
    "aarch64-linux": {"neon": ["neoverse-n1", "neoverse-v1", "neoverse-v2"]},
    "x86_64-linux": {"v3": ["haswell", "znver3"], "v4": ["skylake-avx512", "sapphirerapids", "znver4"],
                     "v4_spr": ["sapphirerapids"], "v4_zen4": ["znver4"]},
}

# Kernels in the order of docs/scheduling.md, and what --check asks of the loop with the most multiply-adds, in per cent of the peak: of its
# best copy, and of every copy (two streams, one vector of positions). None: where there is a load for each multiply-add.
KERNELS = {
    "conv_sum_rows": (92, 90), "conv_sum_length": (92, 92), "conv_sum_length2": (92, 92), "conv_sum_length1": None,
    "conv_grad_input": (92, 65), "conv_grad_input_single": None, "conv_grad_weight_rows": (92, 92), "conv_grad_weight_length": None,
}

FMA = re.compile(r"fmla|vfn?m(add|sub)\d+p|vdpbf16ps")
STACK = re.compile(r"\[sp\b|\(%rsp\b")

Loop = collections.namedtuple("Loop", "kernel dtype address text fmas instructions sums stack")
Result = collections.namedtuple("Result", "loop share busiest busy per_cycle")


class Machine:
    """What differs by architecture: how to write the peak's sequence, how a jump's target is shown."""

    def __init__(self, target):
        self.triple = target.replace("-linux", "-unknown-linux-gnu")
        self.arm = target.startswith("aarch64")
        self.branch = re.compile(r"(b(\.\w+)?|cbn?z|tbn?z)$" if self.arm else r"j\w+$")

    def destination(self, operands):
        return operands.split(",")[0] if self.arm else operands.split("#")[0].split(",")[-1].strip()

    def peak(self, loop):
        """Multiply-adds of the loop's kind, no one of which waits for another: all but the last two registers are sums."""
        code, operands = next(line.split(None, 1) for line in loop.text.splitlines() if FMA.match(line))
        name = self.destination(operands)
        register, shape = re.match(r"(%?[a-z]+)\d+(.*)", name).groups()
        last = 31 if self.arm or register == "%zmm" else 15
        form = "{code} {sum}, {a}, {b}" if self.arm else "{code} {a}, {b}, {sum}"
        a, b = (f"{register}{n}{shape}" for n in (last, last - 1))
        return "".join(form.format(code=code, sum=f"{register}{n}{shape}", a=a, b=b) + "\n" for n in range(last - 1))


def loops(path, machine):
    """The innermost loops of a kernel's object that multiply and add, as assembly that llvm-mca reads."""
    name, _, _ = os.path.basename(path).partition("__")
    dtype = name.split("_")[3 if name.startswith("conv_grad") else 2]
    text = subprocess.run(["llvm-objdump-19", "-d", "--no-show-raw-insn", path], check=True, stdout=subprocess.PIPE, text=True).stdout
    code = [(int(address, 16), mnemonic, operands)
            for address, mnemonic, operands in re.findall(r"^\s*([0-9a-f]+):\s+(\S+)[^\S\n]*(.*)$", text, re.M)]
    at = {address: i for i, (address, _, _) in enumerate(code)}
    back = []
    for i, (_, mnemonic, operands) in enumerate(code):
        target = re.search(r"0x([0-9a-f]+) <", operands) if machine.branch.match(mnemonic) else None
        begin = at.get(int(target[1], 16)) if target else None
        if begin is not None and begin <= i:
            back.append((begin, i))
    for begin, end in back:
        if any((b, e) != (begin, end) and begin <= b and e <= end for b, e in back):
            continue
        body = [(mnemonic, re.sub(r"0x[0-9a-f]+ <.*", "turn", operands)) for _, mnemonic, operands in code[begin:end + 1]]
        sums = [machine.destination(operands) for mnemonic, operands in body if FMA.match(mnemonic)]
        if len(sums) > 1:  # a single one belongs to what whole vectors leave
            lines = "".join(f"{mnemonic} {operands}\n" for mnemonic, operands in body)
            yield Loop(name.replace(f"_{dtype}", ""), dtype, code[begin][0], lines, len(sums), len(body), len(set(sums)),
                       sum(bool(STACK.search(operands)) for _, operands in body))


def simulate(pieces, cpu, machine, options=()):
    """llvm-mca's views of pieces of assembly, {text: name}: in words, or by --json as {text: view} with the units' names."""
    source = "".join(f"# LLVM-MCA-BEGIN {name}\n" + f"turn:\n{text}".replace("turn", f"turn{i}") + "# LLVM-MCA-END\n"
                     for i, (text, name) in enumerate(pieces.items()))
    out = subprocess.run(["llvm-mca-19", f"-mtriple={machine.triple}", f"-mcpu={cpu}", f"-iterations={TURNS}", *options],
                         input=source, check=True, stdout=subprocess.PIPE, text=True).stdout
    if "--json" not in options:
        return out
    views = json.loads(out)
    regions = {region["Name"]: region for region in views["CodeRegions"]}
    return views["TargetInfo"]["Resources"], {text: regions[name] for text, name in pieces.items()}


def named(found):
    """Equal copies of a loop are simulated once."""
    return {loop.text: f"{loop.kernel}_{loop.dtype}_{loop.address:#x}" for loop in found}


def busiest(names, region):
    """The unit that most of a turn's cycles take, and how many per cent; alike ones together."""
    used = {}
    turn = len(region["Instructions"])
    pressure = {entry["ResourceIndex"]: entry["ResourceUsage"] for entry in region["ResourcePressureView"]["ResourcePressureInfo"]
                if entry["InstructionIndex"] == turn}
    for i, name in enumerate(names):
        used.setdefault(re.sub(r"\.\W$", "", name), []).append(pressure.get(i, 0))
    shares = {name: sum(of) / len(of) * TURNS / region["SummaryView"]["TotalCycles"] * 100 for name, of in used.items()}
    most = max(shares, key=shares.get)
    return re.sub(r"^.*Unit", "", most), shares[most]


def results_of(found, cpu, machine):
    peaks = {loop: machine.peak(loop) for loop in found}
    sequences = {text: f"peak{i}" for i, text in enumerate(sorted(set(peaks.values())))}
    names, regions = simulate({**named(found), **sequences}, cpu, machine, ("--json",))
    rate = {loop: len(text.splitlines()) * TURNS / regions[text]["SummaryView"]["TotalCycles"] for loop, text in peaks.items()}
    results = []
    for loop in found:
        summary = regions[loop.text]["SummaryView"]
        share = loop.fmas * TURNS / summary["TotalCycles"] / rate[loop] * 100
        results.append(Result(loop, share, *busiest(names, regions[loop.text]), summary["IPC"]))
    return results, max(rate.values())


def simulate_all(found, cpus, machine):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(cpus, pool.map(lambda cpu: results_of(found, cpu, machine), cpus)))


def cell(results):
    least, most = min(results, key=lambda r: r.share), max(results, key=lambda r: r.share)
    text = f"{least.share:.0f}" if f"{least.share:.0f}" == f"{most.share:.0f}" else f"{least.share:.0f}–{most.share:.0f}"
    return text if least.share >= 92 else f"{text} ({least.busiest} {least.busy:.0f})"


def group(results):
    groups = {}
    for result in sorted(results, key=lambda r: (list(KERNELS).index(r.loop.kernel), -r.loop.fmas, -r.loop.sums)):
        groups.setdefault((result.loop.kernel, result.loop.dtype, result.loop.fmas, result.loop.sums), []).append(result)
    return groups


def table(by_cpu, peaks):
    """Markdown; dtypes with the same figures share a line."""
    lines = {}
    for key in next(iter(by_cpu.values())):
        kernel, dtype, fmas, sums = key
        of = [result.loop for result in next(iter(by_cpu.values()))[key]]
        lengths = sorted({loop.instructions for loop in of})
        row = (kernel, sums, f"{fmas} of {'–'.join(str(n) for n in dict.fromkeys((lengths[0], lengths[-1])))}",
               max(loop.stack for loop in of), *(cell(groups[key]) for groups in by_cpu.values()))
        lines.setdefault(row, []).append(dtype)
    text = f"| kernel | | sums | multiply-adds of instructions | on the stack | {' | '.join(f'{c} ({peaks[c]:.2g})' for c in by_cpu)} |\n"
    text += "|---" * (5 + len(by_cpu)) + "|\n"
    for (kernel, *rest), dtypes in lines.items():
        text += "| " + " | ".join(str(value) for value in (f"`{kernel}`", ", ".join(dtypes), *rest)) + " |\n"
    return text


def check(found, cpus, machine):
    """Problems, a line each."""
    most = {}
    for loop in found:
        most[loop.kernel, loop.dtype] = max(most.get((loop.kernel, loop.dtype), 0), loop.fmas)
    for loop in found:
        if loop.stack:
            yield f"{loop.kernel} {loop.dtype} at {loop.address:#x}: operands are on the stack"
    for kernel in KERNELS:
        for dtype in ("f32", "f64"):
            if (kernel, dtype) not in most:
                yield f"{kernel} {dtype}: no loop was found"
    held = [loop for loop in found if KERNELS[loop.kernel] and loop.fmas == most[loop.kernel, loop.dtype]]
    for cpu, (results, _) in simulate_all(held, cpus, machine).items():
        for (kernel, dtype, *_), copies in group(results).items():
            shares = [copy.share for copy in copies]
            print(f"{kernel} {dtype} on {cpu}: {min(shares):.0f} to {max(shares):.0f} %")
            if max(shares) < KERNELS[kernel][0] or min(shares) < KERNELS[kernel][1]:
                yield f"{kernel} {dtype} on {cpu}: at least {KERNELS[kernel]} was expected of the best copy and of all"


def report(found, variant, cpus, machine, folder):
    os.makedirs(folder, exist_ok=True)
    for cpu in cpus:
        with open(os.path.join(folder, f"{variant}-{cpu}.txt"), "w", encoding="utf-8") as f:
            f.write(simulate(named(found), cpu, machine, ("-bottleneck-analysis",)))


def update(text):
    with open(DOCUMENT, encoding="utf-8") as f:
        before, rest = f.read().split(BEGIN)
    with open(DOCUMENT, "w", encoding="utf-8") as f:
        f.write(before + BEGIN + text + END + rest.split(END, 1)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels")
    parser.add_argument("--target", required=True, choices=list(CPUS))
    parser.add_argument("--check", action="store_true", help="fail where a loop misses what KERNELS asks, or has operands on the stack")
    parser.add_argument("--update", action="store_true", help="write the table into docs/scheduling.md")
    parser.add_argument("--work", help="folder for llvm-mca's reports on every loop")
    args = parser.parse_args()
    if (args.check or args.update) and args.target != "aarch64-linux":
        parser.error("--check and --update are for aarch64-linux")

    machine = Machine(args.target)
    for variant, cpus in CPUS[args.target].items():
        paths = sorted(os.path.join(args.kernels, name) for name in os.listdir(args.kernels)
                       if re.match(r"conv_(sum|grad_(input|weight))_\w+__%s\.o$" % variant, name))
        found = [loop for path in paths for loop in loops(path, machine)]
        if args.check:
            sys.exit("\n".join(check(found, cpus, machine)) or 0)
        simulated = simulate_all(found, cpus, machine)
        if args.work:
            report(found, variant, cpus, machine, args.work)
        by_cpu = {cpu: group(results) for cpu, (results, _) in simulated.items()}
        text = table(by_cpu, {cpu: peak for cpu, (_, peak) in simulated.items()})
        per_cycle = ", ".join(f"{max(result.per_cycle for result in results):.1f} on {cpu}" for cpu, (results, _) in simulated.items())
        print(f"{args.target}, {variant}; instructions a cycle at most {per_cycle}\n\n{text}")
        if args.update:
            update(text)


if __name__ == "__main__":
    main()

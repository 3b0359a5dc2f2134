#!/usr/bin/env python3
"""Writes docs/parity.md, what runs where, from the kernel table, or checks that it is up to date.

usage: parity.py --table kernel_table.txt --output docs/parity.md
       parity.py --table kernel_table.txt --check docs/parity.md

kernel_table.txt is written when a build is configured, for any target: it has the rows of generators/kernels.cmake as they stand.
"""
import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DTYPES = ("f32", "f64", "f16", "bf16")
LAYOUTS = {"cs": "first", "sc": "last"}
GPUS = ("cuda", "opencl")
OPERATORS = {"norm": "Normalisation", "conv": "Transposed convolution"}
# A kernel that has not the data's dtype takes it in a wider one.
WIDER = {"bf16": "f32", "f16": "f32", "f32": "f64"}
# A level that takes another's kernels where it has none (variant_below() in runtime/kernel_table.h).
BELOW = {"v4": "v3"}

# What a call needs: a kernel of each of these roles, or of each of another set of them.
CALLS = (
    ("normalisation: forward", "norm", ("partial", "merge", "apply", "running", "save")),
    ("normalisation: forward, given statistics", "norm", ("apply",)),
    ("normalisation: backward", "norm", ("sums", "sum_merge", "coefficients", "dx", "gradients", "mask")),
    ("normalisation: a batch that is shared out", "norm", ("partial", "moments", "join", "given")),
    ("transposed convolution: forward", "conv", ("pack", "pad", "sum", "finish"), ("whole",)),
    ("transposed convolution: backward", "conv", ("pad", "grad_input", "grad_weight", "bias_sums", "turn", "finish"),
     ("whole_input", "whole_weight", "join")),
)

HEAD = """\
# What runs where

Made from the kernel table, `generators/kernels.cmake`, by `ninja -C build/x86_64-linux halogen_parity`; not to be edited.

Variants: {variants}.
*CPU* is {cpu}; *all* is these and the GPUs. {above} run v4's kernels but where they have one, and v4 v3's where it has none. Columns are the data's dtype and where channels are in memory, first or
last. Other strides are worked on in a copy. What a variant has no kernels for is refused, and the query says why.

## Calls

Where every kernel that a call needs is there, or one of a level below. A kernel that sees no data of the caller's, but sums or packed copies, may be one for a
wider dtype.
"""


class Row:
    """A row of the table, with the dtypes that its variants have."""

    def __init__(self, line, targets):
        self.op, self.role, path, layouts, dtypes, variants, self.generator = line.split()
        self.path = "" if path == "-" else path
        self.layouts = LAYOUTS if layouts == "-" else layouts.split(",")
        self.dtypes = dtypes.split(",")
        self.variants = [v for v in variants.split(",") if v in targets.of]
        self.targets = targets

    def on(self, dtype, layout):
        """The variants that have this kernel for this dtype and layout."""
        if dtype not in self.dtypes or layout not in self.layouts:
            return frozenset()
        return frozenset(v for v in self.variants if dtype in self.targets.dtypes.get(v, DTYPES))

    def purpose(self):
        """The first line of the generator's head, up to what only its reader needs."""
        source = ROOT / "generators" / f"{self.generator}_generator.cpp"
        line = source.read_text(encoding="utf-8").splitlines()[0].removeprefix("// ")
        line = re.sub(rf"^{OPERATORS.get(self.op)}[:,] ", "", line)
        return re.split(r",? with |; |\. |: |[.:,]$", line)[0].replace("*", "\\*").replace("|", "\\|")


class Targets:
    """Variants, which target has them, and the dtypes of those that have not all; from cmake/targets/."""

    def __init__(self):
        self.of, self.dtypes = {}, {}
        for path in sorted((ROOT / "cmake" / "targets").glob("*.cmake")):
            text = path.read_text(encoding="utf-8")
            for variants in re.findall(r"(?:set\(|list\(PREPEND )HALOGEN_VARIANTS ([\w ]+)\)", text):
                self.of.update({variant: path.stem for variant in variants.split()})
            for variant, dtypes in re.findall(r"set\(HALOGEN_DTYPES_(\w+) ([\w ]+)\)", text):
                self.dtypes[variant] = dtypes.split()
        # Above a level, which is the first part of their names: they have all that it has.
        self.above = frozenset(v for v in self.of if "_" in v)
        self.variants = sorted(set(self.of) - self.above, key=lambda v: (v in GPUS, v == "neon", v))

    def text(self, variants):
        """A cell: what has a kernel."""
        def part(whole, name):
            missing = [v for v in whole if v not in variants]
            if len(missing) == len(whole):
                return ""
            if len(missing) < 2:
                return name + "".join(f" but {v}" for v in missing)
            return ", ".join(v for v in whole if v in variants)
        cpu = [v for v in self.variants if v not in GPUS]
        gpu = [v for v in self.variants if v in GPUS]
        if variants.issuperset(gpu):
            return part(self.variants, "all")
        named = (v for v in [*gpu, *sorted(self.above)] if v in variants)
        return ", ".join(filter(None, (part(cpu, "CPU"), *named))) or "–"


def columns(cells):
    """Columns of (dtype, layout) that are alike put together: names and one column of each."""
    def alike(keys, at):
        groups = {}
        for key in keys:
            groups.setdefault(at(key), []).append(key)
        return list(groups.values())
    column = {key: tuple(row[key] for row in cells) for key in cells[0]}
    found = []
    for dtypes in alike(DTYPES, lambda dtype: tuple(column[dtype, layout] for layout in LAYOUTS)):
        layouts = alike(LAYOUTS, lambda layout: column[dtypes[0], layout])
        for group in layouts:
            name = ", ".join(dtypes) + ("" if len(layouts) == 1 else " " + LAYOUTS[group[0]])
            found.append((name, (dtypes[0], group[0])))
    return found


def markdown(head, labels, cells):
    shown = columns(cells)
    yield "| " + " | ".join([*head, *(name for name, _ in shown)]) + " |"
    yield "|---" * (len(head) + len(shown)) + "|"
    for label, row in zip(labels, cells):
        yield "| " + " | ".join([*label, *(row[key] for _, key in shown)]) + " |"


def keys():
    return [(dtype, layout) for dtype in DTYPES for layout in LAYOUTS]


def supported(rows, targets, dtype, layout):
    """The variants on which a role, `rows`, takes data of `dtype`; but for those above a level."""
    while dtype in WIDER and not any(row.on(dtype, layout) - targets.above for row in rows):
        dtype = WIDER[dtype]
    own = frozenset().union(*(row.on(dtype, layout) for row in rows)) - targets.above
    return own | {level for level, below in BELOW.items() if below in own and level in targets.of}


def calls(rows, targets):
    """The table of calls. A role that a CALLS entry names and the kernel table lacks is a mistake."""
    cells = []
    for _, op, *ways in CALLS:
        of_ways = [[[row for row in rows if (row.op, row.role) == (op, role)] for role in roles] for roles in ways]
        if not all(all(of_role) for of_role in of_ways):
            sys.exit(f"parity.py: {op} has not all of the roles {ways}")

        def variants(key):
            return frozenset().union(*(frozenset.intersection(*(supported(r, targets, *key) for r in of_role)) for of_role in of_ways))
        cells.append({key: targets.text(variants(key)) for key in keys()})
    return markdown(["call"], [(name,) for name, *_ in CALLS], cells)


def document(rows, targets):
    named = ", ".join(f"{v} ({targets.of[v]})" for v in [*targets.variants, *sorted(targets.above)])
    cpu = ", ".join(v for v in targets.variants if v not in GPUS)
    yield HEAD.format(variants=named, cpu=cpu, above=" and ".join(sorted(targets.above)))
    yield from calls(rows, targets)
    for op in dict.fromkeys(row.op for row in rows):
        of_op = [row for row in rows if row.op == op]
        yield f"\n## {OPERATORS.get(op, op.capitalize())}: kernels\n"
        labels = [(f"{row.role} {row.path}".strip(), row.purpose()) for row in of_op]
        yield from markdown(["kernel", "what it computes"], labels,
                            [{key: targets.text(row.on(*key)) for key in keys()} for row in of_op])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", required=True, type=pathlib.Path)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--output", type=pathlib.Path)
    what.add_argument("--check", type=pathlib.Path)
    args = parser.parse_args()
    targets = Targets()
    rows = [Row(line, targets) for line in args.table.read_text(encoding="utf-8").splitlines()]
    text = "\n".join(document(rows, targets)) + "\n"
    if args.output:
        args.output.write_text(text, encoding="utf-8")
    elif args.check.read_text(encoding="utf-8") != text:
        sys.exit(f"{args.check} is not what the kernel table says: run ninja -C build/x86_64-linux halogen_parity")


if __name__ == "__main__":
    main()

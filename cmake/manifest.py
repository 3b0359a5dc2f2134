#!/usr/bin/env python3
"""Gathers the json that cmake/emit.py wrote for each kernel into manifest.json, or checks it against the kernel budget.

usage: manifest.py --output manifest.json --version V --target T KERNEL.json…
       manifest.py --check manifest.json
"""
import argparse
import json
import sys

# What the kernels of one package may cost; above it, options have multiplied where the runtime should have reduced them. A GPU's come
# beside the CPU's, and are paid for by those who ask for that package only: normalisation has 57, copies of any strides three, the
# convolution one or two for each dtype of each thing it computes.
MIB = 1024 * 1024
BUDGET = {
    "CPU": {"kernels": 320, "code_bytes": 8 * MIB, "generation_seconds": 300},
    "GPU": {"kernels": 80, "code_bytes": 9 * MIB // 4, "generation_seconds": 60},
}
GPU_VARIANTS = ("cuda", "opencl")


def cost(kernels):
    return {
        "kernels": len(kernels),
        "code_bytes": sum(k["code_bytes"] for k in kernels),
        "generation_seconds": round(sum(k["generation_seconds"] for k in kernels), 1),
    }


def gather(args):
    kernels = []
    for path in args.rows:
        with open(path, encoding="utf-8") as f:
            kernels.append(json.load(f))
    manifest = {"halogen": args.version, "target": args.target, "total": cost(kernels), "kernels": kernels}
    with open(args.output, "w", encoding="utf-8") as f:
        json.dump(manifest, f, indent=1)
        f.write("\n")


def check(path):
    with open(path, encoding="utf-8") as f:
        kernels = json.load(f)["kernels"]
    over = 0
    for device, budget in BUDGET.items():
        total = cost([k for k in kernels if (k["variant"] in GPU_VARIANTS) == (device == "GPU")])
        for what, most in budget.items():
            print(f"{device} {what:20} {total[what]:>12} of {most}")
            over += total[what] > most
    return over


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output")
    parser.add_argument("--version")
    parser.add_argument("--target")
    parser.add_argument("--check", metavar="MANIFEST")
    parser.add_argument("rows", nargs="*")
    args = parser.parse_args()
    if args.check:
        sys.exit(1 if check(args.check) else 0)
    gather(args)


if __name__ == "__main__":
    main()

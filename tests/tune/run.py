#!/usr/bin/env python3
"""halogen_tune_conv: every kernel is compiled and measured, and the file that it writes keeps what others have found.

usage: run.py TOOL --tuned FILE --isa LEVEL --work DIR
"""
import argparse
import os
import shutil
import subprocess
import sys

KERNELS = ["conv_rows positions", "conv_length tile_rows", "conv_length rows 1", "conv_length rows 2", "conv_grad_input",
           "conv_grad_rows", "conv_grad_length"]
# What another machine has found of the same level.
OTHER = "// Another CPU, 2026-01-01, {} (vectors of 0 bytes), one thread:\n//   conv_rows: 1.0 GFLOP/s\n"


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def paragraphs(text):
    return [p.strip() for p in text[: text.index("#pragma")].split("\n//\n")]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("tool")
    for option in ("--tuned", "--isa", "--work"):
        parser.add_argument(option, required=True)
    a = parser.parse_args()
    failed = []

    def check(fine, what):
        if not fine:
            failed.append(what)

    def run(*arguments):
        return subprocess.run([a.tool, *arguments], capture_output=True, text=True, check=False)

    before = read(a.tuned)
    path = os.path.join(a.work, "conv_transpose1d.h")
    before = before.replace("#pragma", "//\n" + OTHER.format(a.isa) + "#pragma", 1)
    with open(path, "w", encoding="utf-8") as f:
        f.write(before)
    once = run("--isa", a.isa, "--present", "--rounds", "1", path)
    check(once.returncode == 0, f"--present: {once.returncode}, {once.stderr}")
    after = read(path)
    code = [text[text.index("#pragma"):] for text in (before, after)]
    check(code[0] == code[1], f"the present tiles are written otherwise:\n{code[1]}")
    new = paragraphs(after)[-1]
    for kernel in KERNELS:
        check(kernel in new and kernel in once.stdout, f"no figures of {kernel}")
    check(f", {a.isa} (vectors of " in new.splitlines()[0], f"not of {a.isa}: {new}")
    lost = set(paragraphs(before)) - set(paragraphs(after))
    replaced = new.splitlines()[0].split(",")[0]
    for paragraph in lost:
        check(paragraph.startswith(replaced) and f", {a.isa} (" in paragraph, f"lost: {paragraph}")

    shutil.copy(path, path + ".twice")
    check(run("--isa", a.isa, "--present", "--rounds", "1", path + ".twice").returncode == 0, "it fails on what it wrote")
    check(len(paragraphs(read(path + ".twice"))) == len(paragraphs(after)), "a second run does not take the first's place")

    for wrong, says in ((["--isa", "none"], "none of the levels that this CPU has: "), (["--rounds", "0"], "usage"),
                        (["--isa"], "usage"), (["--what"], "usage"), ([path, path], "usage")):
        refused = run(*wrong)
        check(refused.returncode == 1 and says in refused.stderr, f"{wrong}: {refused.returncode}, {refused.stderr}")

    for what in failed:
        print(what)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

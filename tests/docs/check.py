#!/usr/bin/env python3
"""What the documents say is there: links, files, ./dev's commands and options; their C compiles; their shell lines run."""
import argparse
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
# Code in a line that looks like a path of this repository.
PATH = re.compile(r"`((?:capi|cmake|docs|examples|generators|runtime|tests|bench|\.ci)/[\w./-]*)`")


def documents():
    yield "README.md"
    yield "CHANGELOG.md"
    for name in sorted(os.listdir(os.path.join(ROOT, "docs"))):
        yield os.path.join("docs", name)


def check_references(name, text, problems):
    for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if "://" not in link and not os.path.exists(os.path.join(ROOT, os.path.dirname(name), link)):
            problems.append(f"{name}: the link to {link} leads nowhere")
    for path in PATH.findall(text):
        if "<" not in path and not os.path.exists(os.path.join(ROOT, path)):
            problems.append(f"{name}: there is no {path}")


def check_dev(name, text, usage, problems):
    commands = set(re.findall(r"^  (\w+) ", usage, re.M))
    for command, rest in re.findall(r"\./dev (\w+)([^`\n|#]*)", text):
        if command not in commands:
            problems.append(f"{name}: ./dev has no command '{command}'")
        for option in re.findall(r"--[\w-]+", rest):
            known = usage + open(os.path.join(ROOT, "bench", "settings.cpp"), encoding="utf-8").read()
            if option not in known:
                problems.append(f"{name}: ./dev {command} has no option {option}")


def check_c(args, name, code, number, problems):
    """A block with #include is a translation unit; any other is a part of a function, which only a reader can complete."""
    if "#include" not in code:
        return
    source = os.path.join(args.work, f"{os.path.basename(name)}_{number}.c")
    with open(source, "w", encoding="utf-8") as f:
        f.write(code)
    command = [args.cc, "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-function",
               "-I" + os.path.join(args.prefix, "include"), "-I" + os.path.join(args.prefix, "include", "dlpack"),
               "-fsyntax-only", source]
    if subprocess.call(command) != 0:
        problems.append(f"{name}: the C of block {number} does not compile")


def check_shell(args, name, code, problems):
    """Lines that use the package run as they stand, beside the examples. ./dev's own are CI's."""
    environment = dict(os.environ, PKG_CONFIG_LIBDIR=os.path.join(args.prefix, "lib", "pkgconfig"))
    for line in code.splitlines():
        if "pkg-config" in line:
            line = re.sub(r"^cc ", args.cc + " ", line)
            if subprocess.call(["bash", "-euc", line], cwd=args.work, env=environment) != 0:
                problems.append(f"{name}: this line fails: {line}")
        elif not line.startswith("./dev "):
            problems.append(f"{name}: no test runs this line: {line}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("prefix", "work", "cc"):
        parser.add_argument("--" + option, required=True)
    args = parser.parse_args()
    os.makedirs(args.work, exist_ok=True)
    shutil.copy(os.path.join(ROOT, "examples", "quickstart.c"), args.work)
    usage = subprocess.run([os.path.join(ROOT, "dev"), "help"], check=True, stdout=subprocess.PIPE, text=True).stdout

    problems = []
    for name in documents():
        with open(os.path.join(ROOT, name), encoding="utf-8") as f:
            text = f.read()
        check_references(name, text, problems)
        check_dev(name, text, usage, problems)
        for number, (language, code) in enumerate(BLOCK.findall(text)):
            if language == "c":
                check_c(args, name, code, number, problems)
            elif language == "sh":
                check_shell(args, name, code, problems)
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()

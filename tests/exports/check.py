#!/usr/bin/env python3
"""Compares the symbols of libhalogen.a or libhalogen.so with the checked-in lists.

  public.txt              functions that a program may call: the same for every target, and all that the headers declare
  undefined-<target>.txt  what the archive takes from outside: the C library only, so that it links with plain cc

Beyond public.txt the archive defines only names that begin with halogen_kernel_, halogen_rt_ or halogen_cxx_, and it runs
nothing before or after main().
"""
import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
INTERNAL = re.compile(r"halogen_(kernel|rt|cxx)_")


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout


def names(nm, library, *options):
    """Global symbols of all members, without versions (memcpy@GLIBC_2.14)."""
    lines = run(nm, "--extern-only", "--format=posix", *options, library).splitlines()
    return {line.split()[0].split("@")[0] for line in lines if line and not line.endswith(":")}


def compare(what, found, path, update):
    """Number of differences from the list in `path`."""
    if update:
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(name + "\n" for name in sorted(found))
        return 0
    listed = set()
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            listed = set(f.read().split())
    for name in sorted(found - listed):
        print(f"{what}: {name} is new; {os.path.basename(path)} does not list it")
    for name in sorted(listed - found):
        print(f"{what}: {name} is listed in {os.path.basename(path)} but gone")
    print(f"{what}: {len(found)} symbols, {len(found ^ listed)} differences")
    return len(found ^ listed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["archive", "shared"])
    parser.add_argument("library")
    parser.add_argument("--nm", default="nm")
    parser.add_argument("--readelf", default="readelf")
    parser.add_argument("--target", required=True)
    parser.add_argument("--map", help="the version script, made from the headers; for `shared`")
    parser.add_argument("--update", action="store_true", help="write the lists instead of comparing")
    args = parser.parse_args()

    public = os.path.join(HERE, "public.txt")
    if args.what == "shared":
        defined = names(args.nm, args.library, "--dynamic", "--defined-only")
        problems = compare("exported", defined, public, args.update)
        with open(args.map, encoding="utf-8") as f:
            problems += compare("declared", set(re.findall(r"\bhalogen_\w+", f.read())), public, False)
        sys.exit(1 if problems else 0)

    defined = names(args.nm, args.library, "--defined-only")
    undefined = names(args.nm, args.library, "--undefined-only") - defined
    problems = compare("defined", {n for n in defined if not INTERNAL.match(n)}, public, args.update)
    problems += compare("undefined", undefined, os.path.join(HERE, f"undefined-{args.target}.txt"), args.update)
    # Halide's GPU runtimes construct an empty cache of modules at start; anything else is a mistake.
    outside = r"\.(fini_array|ctors|dtors|preinit_array)\b" if args.target in ("cuda", "opencl") else \
        r"\.(init_array|fini_array|ctors|dtors|preinit_array)\b"
    for line in run(args.readelf, "--sections", "--wide", args.library).splitlines():
        if re.search(outside, line):
            print("runs outside main():", line.strip())
            problems += 1
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()

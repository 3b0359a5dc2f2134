#!/usr/bin/env python3
"""Makes libhalogen.a: one member per kernel, Halide's runtime with our overrides as one member, one per C++ file, and no
global symbol that does not begin with `halogen_`, so that a second Halide-based library fits into the same program.

  archive.py runtime   Halide's runtime + overrides -> one relocatable object, symbols as they are (white-box tests use it)
  archive.py archive   that object, kernels and C++ objects -> the archive, every symbol renamed
"""
import argparse
import concurrent.futures
import os
import shutil
import subprocess
import sys


def run(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        sys.exit("failed: " + " ".join(command))
    return result.stdout


def symbols(args, path, *options):
    return set(run(args.nm, "--format=just-symbols", "--extern-only", *options, path).split())


def new_name(symbol):
    """The name of a global symbol in the archive; Halide's GPU runtime also has plain C globals, such as
    `cuda_allocation_pool`."""
    if symbol.startswith("halogen_"):
        return symbol
    if symbol.startswith("halide_"):
        return "halogen_rt_" + symbol[len("halide_"):]
    if symbol.startswith("_Z"):
        return "halogen_cxx" + symbol
    return "halogen_rt_" + symbol


def link_runtime(args):
    os.makedirs(args.work, exist_ok=True)
    # Halide registers clean-up functions to run at exit. Ours runs when a context is destroyed; a library must not act after
    # its host's main(), and whatever is in .fini_array would keep half of the runtime from being left out below.
    bare = os.path.join(args.work, "runtime_without_cleanup.o")
    run(args.objcopy, "--remove-section=.fini_array*", args.runtime, bare)
    # The overrides are strong, Halide's definitions weak. In an archive of two members the linker would take whichever
    # comes first; within one relocatable object the strong ones always win. Groups are resolved so that another archive's
    # group of the same name cannot replace ours.
    run(args.ld, "-r", "--force-group-allocation", "-o", args.output, bare, *args.overrides)


def member_name(path):
    """`…/halogen_cxx.dir/runtime/pool.cpp.o` -> `runtime.pool.o`: flat, unique, and readable in a link map."""
    source = os.path.normpath(path.split(".dir/")[-1]).removesuffix(".cpp.o").removesuffix(".o")
    return (os.path.basename(source) if os.path.isabs(source) else source.replace("/", ".")) + ".o"


def make_archive(args):
    shutil.rmtree(args.work, ignore_errors=True)
    os.makedirs(args.work)
    others = args.kernels + args.members
    # Only what something of ours refers to stays of the runtime: less code, and fewer functions of the C library.
    wanted = set().union(*(symbols(args, path, "--undefined-only") for path in others))
    roots = sorted(wanted & symbols(args, args.runtime, "--defined-only"))
    runtime = os.path.join(args.work, "halide_runtime.o")
    keep = [f"--undefined={symbol}" for symbol in roots]
    run(args.ld, "-r", "--gc-sections", *keep, "-o", runtime, args.runtime)

    paths = [runtime, *others]
    defined = set().union(*(symbols(args, path, "--defined-only") for path in paths))
    table = os.path.join(args.work, "rename.txt")
    with open(table, "w", encoding="utf-8") as f:
        f.writelines(f"{s} {new_name(s)}\n" for s in sorted(defined) if new_name(s) != s)

    def rename(path):
        member = os.path.join(args.work, member_name(path))
        if path == runtime:
            os.replace(path, path + ".in")
            path += ".in"
        run(args.objcopy, f"--redefine-syms={table}", path, member)
        return member

    names = [member_name(path) for path in paths]
    if len(set(names)) != len(names):
        sys.exit(f"two members of the archive have one name: {sorted(n for n in names if names.count(n) > 1)}")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        members = list(pool.map(rename, paths))
    if os.path.exists(args.output):
        os.remove(args.output)
    # D: no times and owners, so that the same objects make the same archive.
    run(args.ar, "qcsD", args.output, *members)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["runtime", "archive"])
    parser.add_argument("--output", required=True)
    parser.add_argument("--work", required=True, help="folder for intermediate files")
    for tool in ("ar", "ld", "nm", "objcopy"):
        parser.add_argument("--" + tool, required=True)
    parser.add_argument("--runtime", required=True, help="Halide's runtime, or what `runtime` made of it")
    parser.add_argument("--overrides", nargs="*", default=[])
    parser.add_argument("--kernels", nargs="*", default=[])
    parser.add_argument("--members", nargs="*", default=[], help="C++ objects")
    args = parser.parse_args()
    link_runtime(args) if args.what == "runtime" else make_archive(args)


if __name__ == "__main__":
    main()

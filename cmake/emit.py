#!/usr/bin/env python3
"""Runs a generator once: emits one kernel variant, and a json that says what it is, how large, and how long it took."""
import argparse
import json
import os
import resource
import struct
import subprocess
import sys


def code_bytes(path):
    """Bytes that the object adds to a program: every allocated section with contents (64-bit little-endian ELF)."""
    with open(path, "rb") as f:
        data = f.read()
    table, = struct.unpack_from("<Q", data, 0x28)
    entry_size, count = struct.unpack_from("<HH", data, 0x3A)
    total = 0
    for i in range(count):
        kind, flags = struct.unpack_from("<IQ", data, table + i * entry_size + 4)
        size, = struct.unpack_from("<Q", data, table + i * entry_size + 0x20)
        if flags & 2 and kind != 8:  # SHF_ALLOC, not SHT_NOBITS
            total += size
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("--kernel", required=True, help="<name>__<variant>")
    parser.add_argument("--emit", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--describe", nargs="*", default=[], metavar="KEY=VALUE", help="goes into the json as it is")
    parser.add_argument("--generator", required=True, help="executable")
    parser.add_argument("--name", required=True, help="the generator's registered name")
    parser.add_argument("--params", nargs="*", default=[])
    parser.add_argument("--stream", metavar="BUFFER", help="vector stores to this buffer go around the caches")
    args = parser.parse_args()

    symbol = "halogen_kernel_" + args.kernel
    base = os.path.join(args.out, args.kernel)
    # The runtime is shared by all kernels, every call carries a record of its own, and knows the bounds of its buffers.
    emit = args.emit.replace("object", "llvm_assembly") if args.stream else args.emit
    command = [args.generator, "-g", args.name, "-f", symbol, "-n", args.kernel, "-o", args.out, "-e", emit,
               f"target={args.target}-no_runtime-user_context-no_bounds_query", *args.params]
    if subprocess.call(command) != 0:
        sys.exit("failed: " + " ".join(command))
    if args.stream:
        import stream_stores  # here, because other kernels do without LLVM
        with open(base + ".ll", encoding="utf-8") as f:
            assembly = f.read()
        with open(base + ".o", "wb") as f:
            f.write(stream_stores.compile_object(stream_stores.mark(assembly, args.stream)))
        os.remove(base + ".ll")
    if "device_code" in args.emit:
        os.replace(base + ".device_code", base + ".ptx")

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    row = dict(item.split("=", 1) for item in args.describe)
    row.update(params=args.params, features=args.target.split("-linux", 1)[1].split("-")[1:], symbol=symbol,
               code_bytes=code_bytes(base + ".o"), generation_seconds=round(used.ru_utime + used.ru_stime, 3))
    with open(base + ".json", "w", encoding="utf-8") as f:
        json.dump(row, f, indent=1)


if __name__ == "__main__":
    main()

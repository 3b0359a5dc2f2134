#!/usr/bin/env python3
"""docs/migrate.md: its tables are what halogen-migrate prints, and its Python writes files that halogen-migrate converts.

usage: migrate.py TOOL [--update] [--work DIR] [--emulator COMMAND]
"""
import argparse
import json
import os
import re
import struct
import subprocess
import sys
import types

DOCUMENT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "docs", "migrate.md"))
MARK = "Written by `./dev docs` from the code. Lines that are equal, and need no words, are left out.\n"


class Array:
    """What the document's Python wants of an array."""

    def __init__(self, dtype, shape, data):
        self.dtype, self.shape, self._data = dtype, shape, data

    def tobytes(self):
        return self._data

    def numpy(self):
        return self

    asnumpy = numpy


def floats(*values):
    return Array("float32", (len(values),), struct.pack(f"<{len(values)}f", *values))


def read(path):
    with open(path, "rb") as f:
        content = f.read()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + size])
    return {name: (entry["dtype"], entry["shape"], content[8 + size + entry["data_offsets"][0]:][:
            entry["data_offsets"][1] - entry["data_offsets"][0]]) for name, entry in header.items()}


# Per framework: the module that its lines import, with the function that loads; a class, its state, the same in torch.
COUNT = Array("int64", (), struct.pack("<q", 7))
FRAMEWORKS = {
    "torch": ("torch.nn.BatchNorm2d", "weight bias running_mean running_var".split()),
    "mindspore": ("mindspore.nn.BatchNorm2d", "gamma beta moving_mean moving_variance".split()),
    "megengine": ("megengine.module.BatchNorm2d", "weight bias running_mean running_var".split()),
    "oneflow": ("oneflow.nn.BatchNorm2d", "weight bias running_mean running_var".split()),
}
VALUES = [floats(1, 2, 3), floats(4, 5, 6), floats(7, 8, 9), floats(10, 11, 12)]


def check_python(text, tool, work):
    blocks = re.findall(r"^```py\n(.*?)^```$", text, re.M | re.S)
    writer = next(block for block in blocks if "def save_safetensors" in block)
    tried = set()
    os.chdir(work)
    for framework, (module_class, keys) in FRAMEWORKS.items():
        lines = next(block for block in blocks if block.startswith(f"import {framework}\n"))
        state = {"layer.1." + key: value for key, value in zip(keys, VALUES)}
        if framework == "megengine":
            state = {key: Array(a.dtype, (1, 3, 1, 1), a.tobytes()) for key, a in state.items()}
        if framework in ("torch", "oneflow"):
            state["layer.1.num_batches_tracked"] = COUNT
        state["head.weight"] = Array("float16", (2, 2), b"\0\1\2\3\4\5\6\7")
        loaded = lambda path, **options: state  # noqa: E731
        stub = types.SimpleNamespace(load=loaded, load_checkpoint=loaded)
        had = sys.modules.get(framework)
        sys.modules[framework] = stub
        names = {}
        exec(writer, names)
        exec(lines, names)
        sys.modules.pop(framework) if had is None else sys.modules.__setitem__(framework, had)
        for other, (other_class, other_keys) in FRAMEWORKS.items():
            if other == framework:
                continue
            subprocess.run([*tool, "state", "model.safetensors", "converted.safetensors", "--from", module_class, "--to",
                            other_class], check=True, stderr=subprocess.DEVNULL)
            converted = read("converted.safetensors")
            for key, value in zip(other_keys, VALUES):
                dtype, shape, data = converted.pop("layer.1." + key)
                assert (dtype, data) == ("F32", value.tobytes()), (framework, other, key)
                assert shape == ([1, 3, 1, 1] if other == "megengine" else [3]), (framework, other, key, shape)
            assert converted.pop("head.weight") == ("F16", [2, 2], state["head.weight"].tobytes())
            count = converted.pop("layer.1.num_batches_tracked", None)
            assert (count is not None) == (other in ("torch", "oneflow"))
            assert not converted, converted
            tried.add((framework, other))
    assert len(tried) == 12


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--work", default=".")
    parser.add_argument("--emulator", default="")
    args = parser.parse_args()
    tool = [*args.emulator.split(), os.path.abspath(args.tool)]
    tables = subprocess.run([*tool, "document"], check=True, stdout=subprocess.PIPE, text=True).stdout
    with open(DOCUMENT, encoding="utf-8") as f:
        text = f.read()
    start = text.index(MARK) + len(MARK)
    if args.update:
        with open(DOCUMENT, "w", encoding="utf-8") as f:
            f.write(text[:start] + tables)
        return
    if text[start:] != tables:
        sys.exit("docs/migrate.md is not what the code says: ./dev docs writes it anew")
    os.makedirs(args.work, exist_ok=True)
    check_python(text, tool, args.work)


if __name__ == "__main__":
    main()

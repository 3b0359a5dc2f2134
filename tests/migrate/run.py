#!/usr/bin/env python3
"""halogen-migrate as a user meets it: what it prints, what it writes, and what it says to mistakes.

usage: run.py TOOL --work DIR [--emulator COMMAND]
"""
import argparse
import json
import os
import struct
import subprocess

BATCH_NORM = ("torch.nn.BatchNorm2d", "mindspore.nn.BatchNorm2d")
CONV = ("mindspore.nn.Conv1dTranspose", "torch.nn.ConvTranspose1d")


class Tool:
    def __init__(self, command):
        self.command = command

    def __call__(self, *arguments, status=0):
        """What it prints to stdout and stderr; the exit status must be the one expected."""
        done = subprocess.run([*self.command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout, done.stderr

    def refused(self, *arguments, words):
        out, err = self(*arguments, status=1)
        assert out == "", (arguments, out)
        for word in words:
            assert word in err, (arguments, word, err)


def explain(tool):
    out, _ = tool("explain", *BATCH_NORM, "momentum=0.2", "num_features=64")
    assert out.startswith("torch.nn.BatchNorm2d(num_features=64, momentum=0.2)\n"
                          "mindspore.nn.BatchNorm2d(num_features=64, momentum=0.8)\n"), out
    out, _ = tool("explain", *BATCH_NORM, "momentum=None", status=2)
    assert "momentum=None has no counterpart" in out and "1 cannot be expressed" in out, out
    out, _ = tool("explain", *CONV, "kernel_size=5", "stride=2", "--json", status=2)
    parsed = json.loads(out)
    assert parsed["cannot"] == 1 and parsed["to"]["params"]["kernel_size"] == "5", parsed
    line = next(d for d in parsed["differences"] if d["kind"] == "cannot be expressed")
    assert line["from"] == {"name": "pad_mode, padding", "value": "same, 0"}, line
    assert "on the right" in line["reason"], line
    names, _ = tool("modules")
    assert sum(not line.startswith(" ") for line in names.splitlines()) == 29, names


def check(tool):
    out, _ = tool("check", *BATCH_NORM, "momentum=0.3")
    assert out.count("largest difference") == 3, out
    out, _ = tool("check", *CONV, "kernel_size=5", "stride=3", "--seed", "4")
    assert "evaluation: largest difference" in out, out
    # An odd crop: other lengths, or shifted numbers.
    tool("check", *CONV, "kernel_size=5", "stride=2", status=2)
    for pair in (("torch.nn.GroupNorm", "oneflow.nn.GroupNorm"), ("torch.nn.InstanceNorm3d", "oneflow.nn.InstanceNorm3d"),
                 ("oneflow.nn.ConvTranspose1d", "megengine.module.ConvTranspose2d"), ("torch.nn.LayerNorm", "oneflow.nn.LayerNorm")):
        tool("check", *pair)


def save(path, tensors):
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def state(tool, work):
    source, target = os.path.join(work, "in.safetensors"), os.path.join(work, "out.safetensors")
    numbers = struct.pack("<24f", *range(24))
    save(source, {"up.weight": ("F32", [4, 3, 2], numbers), "up.bias": ("F32", [6], numbers[:24])})
    to = ("--to", "megengine.module.ConvTranspose2d")
    _, err = tool("state", source, target, "--from", "torch.nn.ConvTranspose1d", *to, "groups=2")
    assert "kernel_size=[1, 2]" in err and "groups=2" in err, err
    with open(target, "rb") as f:
        content = f.read()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + size])
    assert header["up.weight"]["shape"] == [2, 2, 3, 1, 2], header
    begin, end = header["up.weight"]["data_offsets"]
    assert content[8 + size + begin:8 + size + end] == numbers
    # Without groups the bias has too many numbers; nothing else is in the file.
    tool.refused("state", source, target, "--from", "torch.nn.ConvTranspose1d", *to, words=["there is no", "in.safetensors"])
    # What is lost is said, and the exit status tells.
    save(source, {"weight": ("F64", [2], struct.pack("<2d", 1, 2)), "bias": ("F64", [2], struct.pack("<2d", 1, 2)),
                  "running_mean": ("F64", [2], bytes(16)), "running_var": ("F64", [2], struct.pack("<2d", 1, 2))})
    _, err = tool("state", source, target, "--from", BATCH_NORM[0], "--to", BATCH_NORM[1], status=2)
    assert "dtype=float64 cannot be expressed" in err, err
    with open(source, "wb") as f:
        f.write(b"short")
    tool.refused("state", source, target, "--from", BATCH_NORM[0], "--to", BATCH_NORM[1], words=["in.safetensors", "8 bytes"])
    tool.refused("state", source + "x", target, "--from", BATCH_NORM[0], "--to", BATCH_NORM[1], words=["cannot be opened"])


def mistakes(tool):
    out, _ = tool("--help")
    assert "usage: halogen-migrate explain" in out, out
    assert "usage:" in tool(status=1)[0]
    tool.refused("explode", words=['There is no command "explode"'])
    tool.refused("explain", BATCH_NORM[0], words=["Expected two modules"])
    tool.refused("explain", "torch.nn.BatchNorm4d", BATCH_NORM[1], words=['no module "torch.nn.BatchNorm4d"', "torch.nn.BatchNorm3d"])
    tool.refused("explain", BATCH_NORM[0], CONV[1], words=["computes something else", "mindspore.nn.BatchNorm2d"])
    tool.refused("explain", *BATCH_NORM, "momentum", words=["name=value"])
    tool.refused("explain", *BATCH_NORM, "freeze=True", words=["num_features, eps, momentum"])
    tool.refused("explain", *BATCH_NORM, "affine=maybe", words=["affine", "maybe"])
    tool.refused("explain", *BATCH_NORM, "--xml", words=["no option --xml"])
    tool.refused("check", *BATCH_NORM, "--seed", "x", words=["--seed"])
    tool.refused("check", *BATCH_NORM, "num_features=0", words=["num_features"])
    tool.refused("state", "in", "out", words=["--from and --to"])
    tool.refused("state", "in", "out", "--from", BATCH_NORM[0], "--to", CONV[1], words=["computes something else"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool")
    parser.add_argument("--work", required=True)
    parser.add_argument("--emulator", default="")
    args = parser.parse_args()
    os.makedirs(args.work, exist_ok=True)
    tool = Tool([*args.emulator.split(), args.tool])
    explain(tool)
    check(tool)
    state(tool, args.work)
    mistakes(tool)


if __name__ == "__main__":
    main()

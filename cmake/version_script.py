#!/usr/bin/env python3
"""Writes the linker's version script of libhalogen.so: exactly the functions that the public headers mark HALOGEN_API.

usage: version_script.py OUTPUT HEADER…
"""
import re
import sys


def public_functions(headers):
    names = set()
    for path in headers:
        with open(path, encoding="utf-8") as f:
            text = re.sub(r"/\*.*?\*/|^\s*#.*?$", "", f.read(), flags=re.DOTALL | re.MULTILINE)
        names.update(re.findall(r"\bHALOGEN_API\b[^;(]*?\b(halogen_\w+)\s*\(", text))
    return sorted(names)


if __name__ == "__main__":
    lines = "".join(f"    {name};\n" for name in public_functions(sys.argv[2:]))
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write("{\n  global:\n" + lines + "  local: *;\n};\n")

"""Lets the usual wheel of torch be imported where CUDA's libraries are not installed.

Its libtorch_cuda.so needs cuBLAS, cuDNN and others, gigabytes that work on a CPU never calls. For each library
that is missing this writes a stand-in beside torch's own: its functions, if they were called, would return 1, an error
code in every one of those libraries. Needs a C compiler and readelf, as building Halogen does.
"""
import importlib.util
import pathlib
import re
import subprocess
import sys
import tempfile

# A symbol of CUDA's libraries in a table of undefined ones, with its version, if any.
CUDA_SYMBOL = re.compile(r"\bUND (_*(?:cu|nv|nccl)\w+)(?:@(\S+))?")
# A line of the table that says which versions a library is needed with: of a library, or of a version.
NEEDED_LINE = re.compile(r"Version: \d+ +File: (\S+)|Name: (\S+)")


def imports():
    """Whether a Python like this one can import torch."""
    return subprocess.run([sys.executable, "-c", "import torch"], capture_output=True).returncode == 0


def missing_libraries(folder):
    """Names of the libraries that torch's own need and the loader does not find."""
    missing = set()
    for library in folder.glob("*.so*"):
        listed = subprocess.run(["ldd", library], capture_output=True, text=True).stdout
        missing.update(re.findall(r"(\S+) => not found", listed))
    return sorted(missing - {"libcuda.so.1"})  # the driver, which torch loads when it is asked for a GPU


def readelf(library, *options):
    return subprocess.run(["readelf", "-W", *options, library], capture_output=True, text=True, check=True).stdout


def cuda_symbols(folder):
    """What torch's libraries need of CUDA's: version -> symbols ("" for those without) and library -> versions."""
    symbols, versions = {"": set()}, {}
    for library in folder.glob("*.so*"):
        for name, version in CUDA_SYMBOL.findall(readelf(library, "--dyn-syms")):
            symbols.setdefault(version, set()).add(name)
        needed = None
        for file, version in NEEDED_LINE.findall(readelf(library, "--version-info")):
            needed = file or needed
            if version:
                versions.setdefault(needed, set()).add(version)
    return symbols, versions


def write_stub(path, nodes):
    """Writes a library with the symbols of `nodes`, version -> symbols: the loader insists on versions."""
    source = "".join(f"int {name}(void) {{ return 1; }}\n" for names in nodes.values() for name in sorted(names))
    script = "".join(f"{version} {{ global: {' '.join(f'{name};' for name in sorted(names))} }};\n"
                     for version, names in nodes.items() if version and names)
    with tempfile.NamedTemporaryFile("w", suffix=".map") as file:
        file.write(script)
        file.flush()
        subprocess.run(["cc", "-shared", "-fPIC", "-w", "-fno-builtin", "-xc", "-", f"-Wl,-soname,{path.name}",
                        *([f"-Wl,--version-script={file.name}"] if script else []), "-o", path],
                       input=source, text=True, check=True)


def write_stubs(folder):
    """Writes the stand-ins into `folder`, torch's own."""
    symbols, versions = cuda_symbols(folder)
    for name in missing_libraries(folder):
        print(f"  {name}: stand-in, not needed on a CPU", file=sys.stderr)
        write_stub(folder / name, {version: symbols.get(version, ()) for version in versions.get(name, [""])})


def make_importable():
    """Writes the stand-ins if torch cannot be imported without them."""
    if imports():
        return
    found = importlib.util.find_spec("torch")
    if found is None:
        sys.exit("torch is not installed: ./dev bench --peers sees to it.")
    print("torch's CUDA libraries are not all here:", file=sys.stderr)
    write_stubs(pathlib.Path(found.origin).parent / "lib")
    if not imports():
        subprocess.run([sys.executable, "-c", "import torch"])
        sys.exit("torch cannot be imported; its own message is above.")

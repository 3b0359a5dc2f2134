#!/usr/bin/env python3
"""Steps of the package tests. The package is at --prefix; programs are made in --work and run, under --emulator if given."""
import argparse
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUTSIDE = os.path.join(HERE, "outside")
EXAMPLES = os.path.join(HERE, "..", "..", "examples")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def run(*command, **options):
    print("+", " ".join(command), flush=True)
    return subprocess.run(command, check=True, **options)


def execute(args, program):
    run(*args.emulator.split(), program)


def flags(args, package, what):
    # The package found must be the one under test, whatever else is installed.
    environment = dict(os.environ, PKG_CONFIG_LIBDIR=os.path.join(args.prefix, "lib", "pkgconfig"))
    return run("pkg-config", what, package, env=environment, stdout=subprocess.PIPE, text=True).stdout.split()


def compile_c(args, name, source, package, *extra):
    program = os.path.join(args.work, name)
    run(args.cc, *STRICT, *extra, *flags(args, package, "--cflags"), source, "-o", program,
        *flags(args, package, "--libs"))
    return program


def test_cmake(args):
    """An outside CMake project finds the package, links it (also beside a foreign Halide runtime), runs."""
    build = os.path.join(args.work, "outside")
    shutil.rmtree(build, ignore_errors=True)
    run(args.cmake, "-S", OUTSIDE, "-B", build, "-G", args.generator, f"-DCMAKE_MAKE_PROGRAM={args.make}",
        f"-DCMAKE_TOOLCHAIN_FILE={args.toolchain}", f"-DCMAKE_PREFIX_PATH={args.prefix}",
        f"-Dhalogen_DIR={args.prefix}/lib/cmake/halogen", f"-DFOREIGN_DIR={args.foreign}",
        f"-DHALIDE_INCLUDE={args.halide_include}")
    run(args.cmake, "--build", build)
    for name in ("static_c", "shared_c", "beside_halogen", "beside_foreign"):
        execute(args, os.path.join(build, name))


def test_pkg_config(args):
    """A C99 program through pkg-config, with both libraries, and with an application's own, older DLPack."""
    main = os.path.join(OUTSIDE, "main.c")
    execute(args, compile_c(args, "static", main, "halogen"))
    rpath = f"-Wl,-rpath,{args.prefix}/lib"
    execute(args, compile_c(args, "shared", main, "halogen-shared", rpath))
    execute(args, compile_c(args, "quickstart", os.path.join(EXAMPLES, "quickstart.c"), "halogen"))
    if os.path.exists("/usr/include/dlpack/dlpack.h"):
        # A folder of its own, because /usr/include as a whole is the wrong machine's when cross-compiling.
        own = os.path.join(args.work, "own_dlpack")
        os.makedirs(own, exist_ok=True)
        if not os.path.islink(os.path.join(own, "dlpack")):
            os.symlink("/usr/include/dlpack", os.path.join(own, "dlpack"))
        execute(args, compile_c(args, "own", main, "halogen", "-I" + own))


def test_tools(args):
    """The programs in bin/ run from where they are installed."""
    run(*args.emulator.split(), os.path.join(args.prefix, "bin", "halogen-migrate"), "explain", "torch.nn.BatchNorm2d",
        "oneflow.nn.BatchNorm2d")


def skip(reason):
    print(f"[SKIP] {reason}")


def only_here(args, tool):
    """The path of a tool that makes programs for this machine; None, and the reason said, where there is none to run."""
    path = shutil.which(tool)
    if args.emulator:
        skip(f"{tool} makes programs for this machine only")
    elif path is None:
        skip(f"no {tool} on PATH")
    return None if args.emulator else path


def test_cpp(args):
    """The header for C++, with and without exceptions."""
    strict = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
    for name, option in (("quickstart_cpp", []), ("quickstart_no_exceptions", ["-fno-exceptions"])):
        program = os.path.join(args.work, name)
        run(args.cxx, *strict, *option, *flags(args, "halogen", "--cflags"), os.path.join(EXAMPLES, "quickstart.cpp"), "-o",
            program, *flags(args, "halogen", "--libs"))
        execute(args, program)


def test_python(args):
    """numpy, and torch where some Python of this machine has it, without a copy."""
    if args.emulator:
        return skip("this machine's Python cannot load the library")
    peers = os.path.join(HERE, "..", "..", ".venv-peers", "bin", "python")
    for python in (peers, sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and subprocess.call([python, "-c", "import numpy"], stderr=subprocess.DEVNULL) == 0:
            return run(python, os.path.join(EXAMPLES, "quickstart.py"), os.path.join(args.prefix, "lib", "libhalogen.so"))
    skip("no Python with numpy (Debian: python3-numpy)")


def test_rust(args):
    rustc = only_here(args, "rustc")
    if rustc:
        program = os.path.join(args.work, "quickstart_rs")
        run(rustc, "-O", "-D", "warnings", os.path.join(EXAMPLES, "quickstart.rs"), "-L", f"native={args.prefix}/lib", "-o", program)
        run(program)


def test_go(args):
    go = only_here(args, "go")
    if go:
        program = os.path.join(args.work, "quickstart_go")
        environment = dict(os.environ, PKG_CONFIG_LIBDIR=os.path.join(args.prefix, "lib", "pkgconfig"),
                           GOCACHE=os.path.join(args.work, "go"), CGO_ENABLED="1", GO111MODULE="off")
        run(go, "build", "-o", program, os.path.join(EXAMPLES, "quickstart.go"), env=environment)
        run(program)


def test_links_what_it_uses(args):
    """A program that calls no operator contains no kernel."""
    program = compile_c(args, "core", os.path.join(OUTSIDE, "core.c"), "halogen")
    execute(args, program)
    symbols = run(args.nm, program, stdout=subprocess.PIPE, text=True).stdout
    kernels = [line for line in symbols.splitlines() if "halogen_kernel_" in line or "halogen_norm" in line]
    if kernels:
        sys.exit("core.c calls no operator, yet its program contains\n" + "\n".join(kernels))


def main():
    tests = {"cmake": test_cmake, "pkg-config": test_pkg_config, "links-what-it-uses": test_links_what_it_uses,
             "tools": test_tools, "cpp": test_cpp, "python": test_python, "rust": test_rust, "go": test_go}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=tests)
    for option in ("prefix", "work", "cc", "cxx", "nm", "emulator"):
        parser.add_argument("--" + option, required=True)
    for option in ("cmake", "generator", "make", "toolchain", "foreign", "halide-include"):
        parser.add_argument("--" + option)
    args = parser.parse_args()
    try:
        tests[args.what](args)
    except subprocess.CalledProcessError as error:
        sys.exit(f"exit status {error.returncode} from the command above")


if __name__ == "__main__":
    main()

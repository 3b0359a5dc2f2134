"""The shapes that are compared, and the tensors of one line."""
import dataclasses
import math
import pathlib

import ml_dtypes
import numpy

SHAPES = pathlib.Path(__file__).resolve().parent / "shapes"
DTYPES = {"f32": numpy.float32, "f64": numpy.float64, "f16": numpy.float16, "bf16": ml_dtypes.bfloat16}
# A unit in the last place of the largest results, which are between 8 and 16; float32's sums have errors of their own.
TOLERANCES = {"f32": 1e-4, "f64": 1e-9, "f16": 2**-7, "bf16": 2**-4}
# Rows of more than 2**20 values: onnxruntime's statistics lose digits there; torch's and Halogen's agree to 1e-4.
LONG_ROW, LONG_ROW_TOLERANCE = 2**20, 5e-4
# Channel-last batch norm of more than 2**18 values a channel: torch's own sums are 5.2e-4 off there.
LARGE_BATCH, LARGE_BATCH_TOLERANCE = 2**18, 1e-3
# Of sums over a channel, as a part of the largest: of 16-bit data they are taken in float32.
SUM_TOLERANCES = {"f32": 1e-4, "f64": 1e-9, "f16": 1e-3, "bf16": 1e-3}
# Group and layer norm: torch adds 16-bit data's up in 16 bits, and is an eighth off where Halogen has five digits of numpy's float64.
COARSE_SUM_TOLERANCE = 0.25


@dataclasses.dataclass(frozen=True)
class Problem:
    """A line of shapes/*.txt."""
    model: str
    name: str
    scope: str  # batch, instance, group or layer
    groups: int
    shape: tuple

    @property
    def modes(self):
        forward = ("train", "eval") if self.scope == "batch" else (self.scope,)
        return *forward, "backward"

    @property
    def layouts(self):
        return ("first", "last") if math.prod(self.shape[2:]) > 1 else ("first",)

    @property
    def statistics_shape(self):
        n, c = self.shape[:2]
        return {"batch": (c,), "instance": (n, c)}.get(self.scope, (n, self.groups))


@dataclasses.dataclass(frozen=True)
class Line:
    """What is measured at a time."""
    problem: Problem
    mode: str  # train, eval, instance, group, layer or backward
    dtype: str
    layout: str  # first or last
    threads: int

    @property
    def backward(self):
        return self.mode == "backward"

    @property
    def outputs(self):
        """The names of the buffers that hold the result."""
        return ("y", "dweight", "dbias") if self.backward else ("y",)


def read_problems(text):
    """The problems whose model/name has `text` in it."""
    problems = []
    for path in sorted(SHAPES.glob("*.txt")):
        for line in path.read_text().splitlines():
            words = line.split("#")[0].split()
            if words and text in f"{path.stem}/{words[0]}":
                name, scope, *extents = words
                groups = {"group": lambda: int(extents.pop(0)), "layer": lambda: 1}.get(scope, lambda: 0)()
                problems.append(Problem(path.stem, name, scope, groups, tuple(map(int, extents))))
    return problems


class Buffers:
    """The tensors of one line, page-aligned, with ordinary numbers in them. y is what is written: backward, the gradient of x;
    then dy is what it is the gradient of, and spare has memory for half a tensor, for the copy."""

    eps, momentum = 1e-5, 0.1

    def __init__(self, line):
        self.line = line
        random = numpy.random.default_rng(1)
        channels = line.problem.shape[1]
        vector = numpy.float64 if line.dtype == "f64" else numpy.float32

        def uniform(low, high):
            return random.uniform(low, high, channels).astype(vector)
        self.x, self.y = self.tensor(), self.tensor()
        self.fill(self.x, random)
        self.weight, self.bias = uniform(0.5, 1.5), uniform(-0.5, 0.5)
        self.mean, self.var = uniform(-0.1, 0.1), uniform(0.9, 1.1)
        if line.backward:
            self.dy, self.spare = self.tensor(), self.tensor()
            self.fill(self.dy, random)
            self.dweight, self.dbias = numpy.zeros(channels, vector), numpy.zeros(channels, vector)
            self.saved_mean, self.saved_rstd = (numpy.zeros(line.problem.statistics_shape, vector) for _ in range(2))

    def tensor(self, page=4096):
        """Of shape (N, C, ...), in the line's dtype and layout."""
        shape, dtype = self.line.problem.shape, numpy.dtype(DTYPES[self.line.dtype])
        size = math.prod(shape) * dtype.itemsize
        raw = numpy.zeros(size + page, numpy.uint8)
        start = -raw.ctypes.data % page
        memory = raw[start:start + size].view(dtype)
        if self.line.layout == "first":
            return memory.reshape(shape)
        return numpy.moveaxis(memory.reshape(shape[0], *shape[2:], shape[1]), -1, 1)

    @staticmethod
    def fill(array, random):
        for sample in array:
            sample[...] = random.standard_normal(sample.shape, numpy.float32)

    def results(self):
        return {name: getattr(self, name).copy() for name in self.line.outputs}


def check_result(framework, line, got, want):
    """Everyone must have computed the same; a fast wrong answer is none."""
    coarse = line.problem.groups > 0 and line.dtype in ("f16", "bf16")
    sums = COARSE_SUM_TOLERANCE if coarse else SUM_TOLERANCES[line.dtype]
    n, _, *places = line.problem.shape
    values = TOLERANCES[line.dtype]
    if line.dtype == "f32" and math.prod(places) > LONG_ROW:
        values = LONG_ROW_TOLERANCE
    if line.dtype == "f32" and line.mode == "train" and line.layout == "last" and n * math.prod(places) > LARGE_BATCH:
        values = LARGE_BATCH_TOLERANCE
    for name, array in want.items():
        wide = array.astype(numpy.float64)
        worst = float(numpy.abs(numpy.asarray(got[name], numpy.float64).reshape(wide.shape) - wide).max())
        allowed = values if name == "y" else sums * float(numpy.abs(wide).max())
        if not worst <= allowed:
            raise RuntimeError(f"{framework}'s {name} differs from Halogen's by {worst}")

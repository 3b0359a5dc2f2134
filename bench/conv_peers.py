"""Transposed convolution beside torch and onnxruntime: one process, the same buffers, one after the other in turns.

    ./dev bench --conv-peers [--filter TEXT] [--threads 1,2] [--seconds S] [--modes forward,input,weight]

Modes: the forward pass (weights packed beforehand), and the gradients of input and weight by themselves. GFLOP/s, medians. torch has
no crop that differs between both ends; there it crops as many at the end as at the start, and gives one position more.
"""
import argparse
import ctypes
import math
import pathlib
import statistics
from ctypes import POINTER, Structure, byref, c_double, c_int, c_int64, c_size_t, c_void_p

import peer_torch_stubs
from peers import block, cpu_model, keep_freed_memory

HERE = pathlib.Path(__file__).resolve().parent
MODES = ("forward", "input", "weight")


class Problem:
    """A line of shapes/conv_transpose1d."""

    def __init__(self, model, words):
        self.name = f"{model}/{words[0]}"
        self.n, self.c_in, self.c_out, self.kernel, self.stride, self.left, self.right, self.groups, self.length = map(
            int, words[1:])
        self.out_length = (self.length - 1) * self.stride + self.kernel - self.left - self.right

    def flops(self):
        taps = sum(max(0, min(self.kernel, self.left + self.out_length - l * self.stride) - max(0, self.left - l * self.stride))
                   for l in range(self.length))
        return 2 * self.n * self.c_in * (self.c_out // self.groups) * taps


def read_problems(text):
    problems = []
    for path in sorted((HERE / "shapes" / "conv_transpose1d").glob("*.txt")):
        for line in path.read_text().splitlines():
            words = line.split("#")[0].split()
            if words and text in f"{path.stem}/{words[0]}":
                problems.append(Problem(path.stem, words))
    return problems


class Buffers:
    def __init__(self, p):
        random = numpy.random.default_rng(1)

        def values(*shape):
            return (random.integers(-8, 9, shape) / 8).astype(numpy.float32)

        self.x, self.y = values(p.n, p.c_in, p.length), values(p.n, p.c_out, p.out_length)
        self.weight, self.bias = values(p.c_in, p.c_out // p.groups, p.kernel), values(p.c_out)
        self.grad_y = values(p.n, p.c_out, p.out_length)
        self.grad_x, self.grad_weight = numpy.zeros_like(self.x), numpy.zeros_like(self.weight)


def field(name):
    return name, POINTER(DLTensor)


def halogen_runs(library, threads, p, buffers):
    """mode -> a function that runs it once, with .result()."""
    tensors = {name: dl_tensor(array) for name, array in vars(buffers).items()}
    halogen = Halogen(library, threads)
    lib, context = halogen.library, halogen.context

    class Weights(Structure):
        _fields_ = [("struct_size", c_size_t), field("weight"), ("stride", c_int64), ("dilation", c_int64), ("groups", c_int64)]

    numbers = [(name, c_int64) for name in ("stride", "dilation", "groups", "pad_left", "pad_right")]
    tail = [("input_activation", c_int), ("activation", c_int), ("input_slope", c_double), ("activation_slope", c_double),
            ("path", c_int), ("layout", c_int), ("stream", c_void_p), ("ran", c_void_p)]

    class Forward(Structure):
        _fields_ = [("struct_size", c_size_t), field("input"), field("output"), field("weight"), ("packed", c_void_p),
                    field("bias"), *numbers, *tail]

    class Backward(Structure):
        _fields_ = [("struct_size", c_size_t), field("input"), field("grad_output"), field("weight"), field("output"),
                    field("grad_input"), field("grad_weight"), field("grad_bias"), *numbers, *tail]

    def call(function, args, result):
        def run():
            error = Error(ctypes.sizeof(Error))
            halogen._check(function(context, byref(args), byref(error)), error)
        run.result = lambda: (run(), result)[1]
        run.keep = (halogen, tensors, args)
        return run

    common = {"stride": p.stride, "dilation": 1, "groups": p.groups, "pad_left": p.left, "pad_right": p.right}

    def pointers(**names):
        return {name: ctypes.pointer(tensors[tensor]) for name, tensor in names.items()}

    params = Weights(ctypes.sizeof(Weights), stride=p.stride, dilation=1, groups=p.groups, **pointers(weight="weight"))
    packed, error = c_void_p(), Error(ctypes.sizeof(Error))
    halogen._check(lib.halogen_conv_transpose1d_weights_create(context, byref(params), None, c_size_t(0), byref(packed),
                                                                byref(error)), error)
    forward = Forward(ctypes.sizeof(Forward), packed=packed, **common, **pointers(input="x", output="y", bias="bias"))
    runs = {"forward": call(lib.halogen_conv_transpose1d_forward, forward, buffers.y)}
    read = {"input": "x", "grad_output": "grad_y", "weight": "weight"}
    for mode, gradient, tensor in (("input", "grad_input", "grad_x"), ("weight", "grad_weight", "grad_weight")):
        args = Backward(ctypes.sizeof(Backward), **common, **pointers(**read, **{gradient: tensor}))
        runs[mode] = call(lib.halogen_conv_transpose1d_backward, args, getattr(buffers, tensor))
    return runs


def torch_runs(threads, p, buffers):
    torch.set_num_threads(threads)
    x, weight, bias = (torch.from_numpy(array) for array in (buffers.x, buffers.weight, buffers.bias))
    grad_y = torch.from_numpy(buffers.grad_y)
    if p.left != p.right:
        grad_y = torch.nn.functional.pad(grad_y, (0, abs(p.right - p.left)))
    padding = min(p.left, p.right)

    def backward(mask):
        return torch.ops.aten.convolution_backward(grad_y, x, weight, None, [p.stride], [padding], [1], True, [0], p.groups, mask)

    @torch.inference_mode()
    def forward():
        return torch.nn.functional.conv_transpose1d(x, weight, bias, p.stride, padding, 0, p.groups)

    runs = {"forward": forward, "input": lambda: backward([True, False, False])[0],
            "weight": lambda: backward([False, True, False])[1]}
    for run in runs.values():
        run.result = lambda run=run: run().numpy()
    return runs


def onnxruntime_runs(threads, p, buffers):
    tensor, value = onnx.helper.make_tensor, onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("ConvTranspose", ["x", "w", "b"], ["y"], strides=[p.stride], pads=[p.left, p.right],
                                 group=p.groups)
    constants = [tensor(name, 1, array.shape, array.tobytes(), raw=True)
                 for name, array in (("w", buffers.weight), ("b", buffers.bias))]
    graph = onnx.helper.make_graph([node], "g", [value("x", 1, buffers.x.shape)], [value("y", 1, buffers.y.shape)], constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 15)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run():
        return session.run(None, {"x": buffers.x})[0]
    run.result = run
    return {"forward": run}


def check_result(name, p, got, want):
    """Everyone must have computed the same; a fast wrong answer is none."""
    if got.shape != want.shape or (name == "torch" and p.left != p.right):
        return
    worst, largest = float(numpy.abs(got - want).max()), float(numpy.abs(want).max())
    if not worst <= 1e-5 * largest + 1e-4:
        raise RuntimeError(f"{name}'s result differs from Halogen's by {worst}")


def measure(runs, seconds):
    """Medians of every run, in turns, for about `seconds`."""
    single = {name: block(run, 1) for name, run in runs.items()}
    repetitions = {name: max(1, min(200, math.ceil(1e-3 / t))) for name, t in single.items()}
    rounds = max(5, min(51, int(seconds / sum(t * (repetitions[name] + 1) for name, t in single.items()))))
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(block(run, repetitions[name]))
    return {name: statistics.median(t) for name, t in times.items()}


def main(arguments):
    keep_freed_memory()
    print(f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}; {cpu_model()}; GFLOP/s, medians")
    print(f"{'shape':<34}{'mode':<9}{'thr':>3}{'halogen':>10}{'torch':>10}{'ort':>10}{'x best':>8}")
    ratios = {}
    for p in read_problems(arguments.filter):
        buffers = Buffers(p)
        for threads in arguments.threads:
            every = {"halogen": halogen_runs(arguments.library, threads, p, buffers), "torch": torch_runs(threads, p, buffers),
                     "onnxruntime": onnxruntime_runs(threads, p, buffers)}
            for mode in arguments.modes:
                runs = {name: of_mode[mode] for name, of_mode in every.items() if mode in of_mode}
                want = runs["halogen"].result().copy()
                for name, run in runs.items():
                    check_result(name, p, run.result(), want)
                times = measure(runs, arguments.seconds)
                rates = {name: p.flops() / t / 1e9 for name, t in times.items()}
                best = rates["halogen"] / max(rate for name, rate in rates.items() if name != "halogen")
                ratios.setdefault((mode, threads), []).append(best)
                ort = f"{rates['onnxruntime']:10.1f}" if "onnxruntime" in rates else f"{'':>10}"
                print(f"{p.name:<34}{mode:<9}{threads:>3}{rates['halogen']:10.1f}{rates['torch']:10.1f}{ort}{best:8.2f}",
                      flush=True)
    for (mode, threads), values in sorted(ratios.items()):
        print(f"geometric mean, {mode}, {threads} threads: {statistics.geometric_mean(values):.2f} times the best peer, "
              f"least {min(values):.2f}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True, help="libhalogen.so")
    parser.add_argument("--filter", default="", help="only shapes whose model/name contains this")
    parser.add_argument("--threads", default="1,2", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--seconds", default=1.0, type=float, help="per line")
    parser.add_argument("--modes", default=",".join(MODES), type=lambda text: text.split(","))
    return parser.parse_args()


if __name__ == "__main__":
    parsed = parse_arguments()
    peer_torch_stubs.make_importable()
    import numpy
    import onnx
    import onnx.helper
    import onnxruntime
    import torch
    from peer_halogen import DLTensor, Error, Halogen, dl_tensor
    main(parsed)

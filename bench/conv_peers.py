"""Transposed convolution beside torch, onnxruntime and openvino: one process, the same buffers, one after the other in turns.

    ./dev bench --conv-peers [--filter TEXT] [--threads 1,2] [--seconds S] [--modes forward,input,weight] [--out DIR]

Modes: the forward pass (weights packed beforehand), and the gradients of input and weight by themselves. GFLOP/s, medians; peak is
what multiply-adds on registers reached in the same turns. torch has no crop that differs between both ends; there it crops as many at
the end as at the start, and gives one position more.
"""
import argparse
import ctypes
import json
import math
import pathlib
import statistics
from ctypes import POINTER, Structure, byref, c_double, c_int, c_int64, c_size_t, c_void_p

import peer_torch_stubs
from peers import built_copy, cpu_model, keep_freed_memory, measure

HERE = pathlib.Path(__file__).resolve().parent
MODES = ("forward", "input", "weight")
PEERS = ("torch", "onnxruntime", "openvino")
FMA_STEPS = 10000


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


def onnx_model(p, buffers):
    tensor, value = onnx.helper.make_tensor, onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("ConvTranspose", ["x", "w", "b"], ["y"], strides=[p.stride], pads=[p.left, p.right],
                                 group=p.groups)
    constants = [tensor(name, 1, array.shape, array.tobytes(), raw=True)
                 for name, array in (("w", buffers.weight), ("b", buffers.bias))]
    graph = onnx.helper.make_graph([node], "g", [value("x", 1, buffers.x.shape)], [value("y", 1, buffers.y.shape)], constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 15)], ir_version=8)
    return model.SerializeToString()


def onnxruntime_runs(threads, p, buffers):
    session = OnnxRuntime(threads).session(onnx_model(p, buffers))

    def run():
        return session.run(None, {"x": buffers.x})[0]
    run.result = run
    return {"forward": run}


def openvino_runs(threads, p, buffers):
    request = OpenVino(threads).request(onnx_model(p, buffers))
    y = numpy.zeros_like(buffers.y)
    request.set_input_tensor(openvino.Tensor(buffers.x, shared_memory=True))
    request.set_output_tensor(0, openvino.Tensor(y, shared_memory=True))

    def run():
        request.infer()
    run.result = lambda: (run(), y)[1]
    return {"forward": run}


def check_result(name, p, got, want):
    """Everyone must have computed the same; a fast wrong answer is none."""
    if got.shape != want.shape or (name == "torch" and p.left != p.right):
        return
    worst, largest = float(numpy.abs(got - want).max()), float(numpy.abs(want).max())
    if not worst <= 1e-5 * largest + 1e-4:
        raise RuntimeError(f"{name}'s result differs from Halogen's by {worst}")


def prepare(arguments, p, threads, buffers):
    """library -> mode -> a function that runs it once; and why a library is missing."""
    every, absent = {"halogen": halogen_runs(arguments.library, threads, p, buffers)}, {}
    for name, runs in zip(PEERS, (torch_runs, onnxruntime_runs, openvino_runs)):
        try:
            every[name] = runs(threads, p, buffers)
        except NotApplicable as reason:
            absent[name] = str(reason)
    return every, absent


def run_line(arguments, p, mode, every, peak):
    """Measures one line. -> what the JSON says about it."""
    runs = {name: of_mode[mode] for name, of_mode in every.items() if mode in of_mode}
    want = runs["halogen"].result().copy()
    for name, run in runs.items():
        check_result(name, p, run.result(), want)
    times = {name: statistics.median(of) for name, of in measure({"peak": peak, **runs}, arguments.seconds).items()}
    rates = {name: (peak.flops() if name == "peak" else p.flops()) / time / 1e9 for name, time in times.items()}
    ratios = {name: rates["halogen"] / rates[name] for name in PEERS if name in rates}
    return {"name": p.name, "mode": mode, "gflop_per_s": rates, "times": ratios, "times_best_peer": min(ratios.values())}


def main(arguments):
    keep_freed_memory()
    versions = {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__, "openvino": openvino.__version__}
    print(f"{', '.join(' '.join(item) for item in versions.items())}; {cpu_model()}; GFLOP/s, medians")
    columns = ("peak", "halogen", *PEERS)
    print(f"{'shape':<34}{'mode':<9}{'thr':>3}" + "".join(f"{name:>12}" for name in columns) + f"{'x best':>8}")
    results = []
    for p in read_problems(arguments.filter):
        buffers = Buffers(p)
        for threads in arguments.threads:
            team = Copy(arguments.copy, threads)
            every, absent = prepare(arguments, p, threads, buffers)
            for mode in arguments.modes:
                result = run_line(arguments, p, mode, every, team.multiply_adds(FMA_STEPS))
                results.append({**result, "threads": threads, "not_applicable": absent})
                rates = "".join(f"{result['gflop_per_s'].get(name, math.nan):12.1f}" for name in columns)
                print(f"{p.name:<34}{mode:<9}{threads:>3}{rates}{result['times_best_peer']:8.2f}", flush=True)
            team.close()
    means = []
    for mode, threads in sorted({(result["mode"], result["threads"]) for result in results}):
        ratios = [r["times_best_peer"] for r in results if (r["mode"], r["threads"]) == (mode, threads)]
        means.append({"mode": mode, "threads": threads, "times_best_peer": statistics.geometric_mean(ratios), "least": min(ratios)})
        print(f"geometric mean, {mode}, {threads} threads: {means[-1]['times_best_peer']:.2f} times the best peer, "
              f"least {min(ratios):.2f}")
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "conv_peers.json").write_text(
            json.dumps({"versions": versions, "cpu": cpu_model(), "means": means, "results": results}, indent=1) + "\n")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True, help="libhalogen.so")
    parser.add_argument("--copy", help="libhalogen_bench_copy.so; default: the one in build/")
    parser.add_argument("--filter", default="", help="only shapes whose model/name contains this")
    parser.add_argument("--threads", default="1,2", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--seconds", default=1.0, type=float, help="per line")
    parser.add_argument("--modes", default=",".join(MODES), type=lambda text: text.split(","))
    parser.add_argument("--out", type=pathlib.Path, help="folder for conv_peers.json")
    arguments = parser.parse_args()
    arguments.copy = arguments.copy or built_copy(parser)
    return arguments


if __name__ == "__main__":
    parsed = parse_arguments()
    peer_torch_stubs.make_importable()
    import numpy
    import onnx
    import onnx.helper
    import onnxruntime
    import openvino
    import torch
    from peer_frameworks import NotApplicable, OnnxRuntime, OpenVino
    from peer_halogen import Copy, DLTensor, Error, Halogen, dl_tensor
    main(parsed)

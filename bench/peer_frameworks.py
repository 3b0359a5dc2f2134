"""The other libraries on the same buffers: torch, onnxruntime, openvino.

Each class has prepare(buffers), which returns a function that runs their line once and whose attribute result() gives the
arrays that it computed by name, or raises NotApplicable with the reason. onnxruntime and openvino write into buffers.y;
torch's functions have no such form and return new tensors, whose memory its allocator reuses (see keep_freed_memory in
peers.py). Channel-last data are torch tensors with those strides: its memory formats where it has one, which is rank 4 and 5.
"""
import numpy
import onnx
import onnx.helper
import onnxruntime
import openvino
import torch


class NotApplicable(Exception):
    """The library does not have this mode."""


def torch_tensor(array):
    """A torch tensor over an array of any dtype and strides."""
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(numpy.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def arrays(line, results):
    """torch's results by name."""
    wide = [result.double() if result.dtype == torch.bfloat16 else result for result in results]
    return {name: result.numpy() for name, result in zip(line.outputs, wide)}


class Torch:
    name, version = "torch", torch.__version__

    def __init__(self, threads):
        torch.set_num_threads(threads)

    def prepare(self, buffers):
        line = buffers.line
        compute = torch_backward(buffers) if line.backward else torch_forward(buffers)

        @torch.inference_mode()
        def run():
            return compute()

        def result():
            results = run()
            return arrays(line, results if line.backward else (results,))
        run.result = result
        return run


def torch_forward(buffers):
    """The forward pass as torch.nn's modules call it."""
    problem, mode = buffers.line.problem, buffers.line.mode
    x, weight, bias, mean, var = map(torch_tensor, (buffers.x, buffers.weight, buffers.bias, buffers.mean, buffers.var))
    functional = torch.nn.functional
    if mode == "instance":
        return lambda: functional.instance_norm(x, weight=weight, bias=bias, eps=buffers.eps)
    if mode == "layer" and x.dim() == 2:
        return lambda: functional.layer_norm(x, x.shape[1:], weight, bias, buffers.eps)
    if mode in ("group", "layer"):
        return lambda: functional.group_norm(x, problem.groups, weight, bias, buffers.eps)
    return lambda: functional.batch_norm(x, mean, var, weight, bias, mode == "train", buffers.momentum, buffers.eps)


def torch_backward(buffers):
    """What torch's autograd calls for the backward pass, with the statistics that were saved."""
    problem = buffers.line.problem
    x, dy, weight, mean, rstd = map(
        torch_tensor, (buffers.x, buffers.dy, buffers.weight, buffers.saved_mean, buffers.saved_rstd))
    bias, aten, every = torch_tensor(buffers.bias), torch.ops.aten, [True, True, True]
    samples, channels, *spatial = x.shape
    if problem.scope == "batch":
        return lambda: aten.native_batch_norm_backward(dy, x, weight, None, None, mean, rstd, True, buffers.eps, every)
    if problem.scope == "instance":
        # instance_norm() is batch_norm() of one sample with all the samples' channels, without gaps.
        one_sample = (1, samples * channels, *spatial)
        saved, repeated = x.contiguous().view(one_sample), weight.repeat(samples)
        mean, rstd = mean.reshape(-1), rstd.reshape(-1)

        def instance():
            dx, dweight, dbias = aten.native_batch_norm_backward(
                dy.contiguous().view(one_sample), saved, repeated, None, None, mean, rstd, True, buffers.eps, every)
            return dx.view(x.shape), dweight.view(samples, channels).sum(0), dbias.view(samples, channels).sum(0)
        return instance
    if problem.scope == "layer" and not spatial:
        return lambda: aten.native_layer_norm_backward(dy, x, [channels], mean, rstd, weight, bias, every)
    row = x[0, 0].numel()
    if len(spatial) == 1:  # no memory format of torch's: autograd makes both channel-first
        return lambda: aten.native_group_norm_backward(
            dy.contiguous(), x.contiguous(), mean, rstd, weight, samples, channels, row, problem.groups, every)
    return lambda: aten.native_group_norm_backward(
        dy, x, mean, rstd, weight, samples, channels, row, problem.groups, every)


def onnx_model(buffers):
    """The one-node model of a line, with weight, bias and statistics as constants; serialised."""
    problem, mode = buffers.line.problem, buffers.line.mode
    if buffers.line.backward:
        raise NotApplicable("no operator for the backward pass")
    if buffers.line.layout != "first":
        raise NotApplicable("its operators are channel-first")
    if buffers.line.dtype != "f32":
        raise NotApplicable("compared in float32 only")
    if mode == "group" or mode == "layer" and len(problem.shape) > 2:
        raise NotApplicable("no operator with a weight per channel")

    def constant(name):
        array = getattr(buffers, name)
        return onnx.helper.make_tensor(name, onnx.TensorProto.FLOAT, array.shape, array)

    shape = list(buffers.x.shape)
    value = onnx.helper.make_tensor_value_info
    outputs = [value("y", onnx.TensorProto.FLOAT, shape)]
    if mode in ("instance", "layer"):
        constants = ["weight", "bias"]
        operator = "InstanceNormalization" if mode == "instance" else "LayerNormalization"
        node = onnx.helper.make_node(operator, ["x", *constants], ["y"], epsilon=buffers.eps)
    else:
        constants = ["weight", "bias", "mean", "var"]
        names, attributes = ["y"], {}
        if mode == "train":
            names, attributes = ["y", "mean_after", "var_after"], {"training_mode": 1}
            outputs += [value(name, onnx.TensorProto.FLOAT, buffers.mean.shape) for name in names[1:]]
        node = onnx.helper.make_node("BatchNormalization", ["x", *constants], names, epsilon=buffers.eps,
                                     momentum=1 - buffers.momentum, **attributes)
    graph = onnx.helper.make_graph([node], mode, [value("x", onnx.TensorProto.FLOAT, shape)], outputs,
                                   [constant(name) for name in constants])
    # LayerNormalization is newer than the operator set that the others are known to be fast in.
    opset = 17 if mode == "layer" else 15
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


class OnnxRuntime:
    name, version = "onnxruntime", onnxruntime.__version__

    def __init__(self, threads):
        self.options = onnxruntime.SessionOptions()
        self.options.intra_op_num_threads = threads
        self.options.inter_op_num_threads = 1
        self.options.log_severity_level = 4
        # Its threads may spin during a run, which is faster, but not on into what is measured next.
        self.options.add_session_config_entry("session.force_spinning_stop", "1")

    def session(self, model):
        return onnxruntime.InferenceSession(model, self.options, providers=["CPUExecutionProvider"])

    def prepare(self, buffers):
        model = onnx_model(buffers)
        try:
            session = self.session(model)
            binding = session.io_binding()
            binding.bind_input("x", "cpu", 0, numpy.float32, buffers.x.shape, buffers.x.ctypes.data)
            binding.bind_output("y", "cpu", 0, numpy.float32, buffers.y.shape, buffers.y.ctypes.data)
            for output in session.get_outputs()[1:]:
                binding.bind_output(output.name, "cpu")
            session.run_with_iobinding(binding)
        except Exception as refusal:  # its exceptions have no common base class
            raise NotApplicable(str(refusal)) from refusal

        def run():
            session.run_with_iobinding(binding)
        run.result = lambda: (run(), {"y": buffers.y})[1]
        return run


class OpenVino:
    name, version = "openvino", openvino.__version__

    def __init__(self, threads):
        self.core = openvino.Core()
        self.config = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}

    def request(self, source):
        """An ONNX model as something to run."""
        try:
            return self.core.compile_model(self.core.read_model(source), "CPU", self.config).create_infer_request()
        except RuntimeError as refusal:
            raise NotApplicable(str(refusal)) from refusal

    def prepare(self, buffers):
        request = self.request(onnx_model(buffers))
        request.set_input_tensor(openvino.Tensor(buffers.x, shared_memory=True))
        request.set_output_tensor(0, openvino.Tensor(buffers.y, shared_memory=True))

        def run():
            request.infer()
        run.result = lambda: (run(), {"y": buffers.y})[1]
        return run


FRAMEWORKS = (Torch, OnnxRuntime, OpenVino)

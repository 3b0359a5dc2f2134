"""The other libraries on the same buffers: torch, onnxruntime, openvino.

Each class has prepare(mode, buffers), which returns a function that runs the problem once, or raises NotApplicable with
the reason. onnxruntime and openvino write into buffers.y; torch's functions have no such form and return a new tensor,
whose memory its allocator reuses (see keep_freed_memory in peers.py).
"""
import numpy
import onnx
import onnx.helper
import onnxruntime
import openvino
import torch


class NotApplicable(Exception):
    """The library does not have this mode."""


class Torch:
    name, version = "torch", torch.__version__

    def __init__(self, threads):
        torch.set_num_threads(threads)

    def prepare(self, mode, buffers):
        x, weight, bias, mean, var = (
            torch.from_numpy(array) for array in (buffers.x, buffers.weight, buffers.bias, buffers.mean, buffers.var))
        functional = torch.nn.functional

        @torch.inference_mode()
        def instance():
            return functional.instance_norm(x, weight=weight, bias=bias, eps=buffers.eps)

        @torch.inference_mode()
        def batch():
            return functional.batch_norm(x, mean, var, weight, bias, mode == "train", buffers.momentum, buffers.eps)

        run = instance if mode == "instance" else batch
        run.result = lambda: run().numpy()
        return run


def onnx_model(mode, buffers):
    """The one-node model of a mode, with weight, bias and statistics as constants; serialised."""
    def constant(name):
        array = getattr(buffers, name)
        return onnx.helper.make_tensor(name, onnx.TensorProto.FLOAT, array.shape, array)

    shape = list(buffers.x.shape)
    value = onnx.helper.make_tensor_value_info
    outputs = [value("y", onnx.TensorProto.FLOAT, shape)]
    if mode == "instance":
        constants = ["weight", "bias"]
        node = onnx.helper.make_node("InstanceNormalization", ["x", *constants], ["y"], epsilon=buffers.eps)
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
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 15)], ir_version=8)
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

    def prepare(self, mode, buffers):
        try:
            session = onnxruntime.InferenceSession(
                onnx_model(mode, buffers), self.options, providers=["CPUExecutionProvider"])
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
        run.result = lambda: (run(), buffers.y)[1]
        return run


class OpenVino:
    name, version = "openvino", openvino.__version__

    def __init__(self, threads):
        self.core = openvino.Core()
        self.config = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}

    def prepare(self, mode, buffers):
        try:
            model = self.core.compile_model(self.core.read_model(onnx_model(mode, buffers)), "CPU", self.config)
            request = model.create_infer_request()
        except RuntimeError as refusal:
            raise NotApplicable(str(refusal)) from refusal
        request.set_input_tensor(openvino.Tensor(buffers.x, shared_memory=True))
        request.set_output_tensor(0, openvino.Tensor(buffers.y, shared_memory=True))

        def run():
            request.infer()
        run.result = lambda: (run(), buffers.y)[1]
        return run


FRAMEWORKS = (Torch, OnnxRuntime, OpenVino)

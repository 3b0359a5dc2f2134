"""quickstart.py: PyTorch's BatchNorm2d on the twelve numbers 0.1, 0.2, ... 1.2; quickstart.c in Python, with numpy.

    python3 quickstart.py $(pkg-config --variable=libdir halogen)/libhalogen.so

numpy's arrays and torch's tensors come through DLPack, on any device: nothing is copied. Where torch is installed, the same layer of torch
is compared.
"""
import ctypes
import sys

lib = ctypes.CDLL(sys.argv[1] if len(sys.argv) > 1 else "libhalogen.so")


class Error(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("status", ctypes.c_int), ("message", ctypes.c_char * 496)]


def call(function, *arguments):
    """Calls a function whose last parameter is a halogen_error."""
    error = Error(struct_size=ctypes.sizeof(Error))
    function.restype = ctypes.c_int
    if function(*arguments, ctypes.byref(error)) != 0:
        raise RuntimeError(error.message.decode())


class Tensor:
    """A DLTensor over an array or tensor that has __dlpack__; its memory, not a copy."""

    def __init__(self, array):
        # A DLManagedTensor, which begins with the DLTensor; the capsule keeps it and the memory alive.
        self.capsule = array.__dlpack__()
        get = ctypes.pythonapi.PyCapsule_GetPointer
        get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        self._as_parameter_ = ctypes.c_void_p(get(self.capsule, b"dltensor"))


class Module:
    """A module of any framework, by its name in Python: Module("mindspore.nn.BatchNorm2d", num_features=64)."""

    context = ctypes.c_void_p()

    def __init__(self, name, **parameters):
        if not Module.context:
            lib.halogen_version.restype = ctypes.c_uint32
            call(lib.halogen_context_create, ctypes.c_uint32(lib.halogen_version()), None, ctypes.byref(Module.context))
        number, self.handle = ctypes.c_int(), ctypes.c_void_p()
        call(lib.halogen_module_class_find, name.encode(), ctypes.byref(number))
        lib.halogen_module_params_size.restype = ctypes.c_size_t
        size = ctypes.c_size_t(lib.halogen_module_params_size(number))
        params = (ctypes.c_uint64 * 128)()
        call(lib.halogen_module_params_init, number, params, size)
        for key, value in parameters.items():
            call(lib.halogen_module_params_set, number, params, key.encode(), str(value).encode())
        call(lib.halogen_module_create, Module.context, number, params, ctypes.byref(self.handle))

    def __del__(self):
        lib.halogen_module_destroy(self.handle)

    def __call__(self, x, out):
        call(lib.halogen_module_forward, self.handle, Tensor(x), Tensor(out), None, None)
        return out


def main():
    import numpy

    x = (numpy.arange(1, 13, dtype=numpy.float32) / 10).reshape(1, 3, 2, 2)
    y = Module("torch.nn.BatchNorm2d", num_features=3)(x, numpy.empty_like(x))
    print("torch.nn.BatchNorm2d(3)", y.reshape(3, 4), sep="\n")
    assert numpy.allclose(y.reshape(3, 4), [-1.341104, -0.447035, 0.447035, 1.341104], atol=1e-6)

    try:
        import torch
    except ImportError:
        print("torch is not installed: not compared")
        return
    layer = torch.nn.ConvTranspose1d(3, 4, 5, stride=2, padding=1)
    ours = Module("torch.nn.ConvTranspose1d", in_channels=3, out_channels=4, kernel_size=5, stride=2, padding=1)
    for key, value in layer.state_dict().items():
        call(lib.halogen_module_load_state, ours.handle, key.encode(), Tensor(value))
    x = torch.randn(2, 3, 50)
    expected = layer(x).detach()
    y = ours(x, torch.empty_like(expected))
    print("torch.nn.ConvTranspose1d: largest difference from torch", float((y - expected).abs().max()))
    assert torch.allclose(y, expected, atol=1e-5)


if __name__ == "__main__":
    main()

"""Halogen and the copy loop through ctypes, on numpy buffers."""
import ctypes
from ctypes import POINTER, Structure, byref, c_char, c_double, c_float, c_int, c_int32, c_int64, c_size_t, c_uint8
from ctypes import c_uint16, c_uint32, c_uint64, c_void_p

SCOPE_BATCH, SCOPE_INSTANCE = 1, 2
CPU, FLOAT = 1, 2  # DLPack's kDLCPU, kDLFloat


class Error(Structure):
    _fields_ = [("struct_size", c_size_t), ("status", c_int), ("message", c_char * 496)]


class KernelInfo(Structure):
    _fields_ = [
        ("struct_size", c_size_t), ("kernels", c_char * 256), ("isa", c_char * 16), ("workspace_bytes", c_uint64),
        ("reason", c_char * 256),
    ]


class ContextOptions(Structure):
    """The fields up to num_threads: a smaller struct is an older header, and what it lacks is zero."""
    _fields_ = [
        ("struct_size", c_size_t), ("allocate", c_void_p), ("deallocate", c_void_p), ("allocator_user", c_void_p),
        ("parallel_for", c_void_p), ("parallel_user", c_void_p), ("num_threads", c_int32), ("isa", c_int32),
    ]


class DLTensor(Structure):
    _fields_ = [
        ("data", c_void_p), ("device_type", c_int32), ("device_id", c_int32), ("ndim", c_int32), ("code", c_uint8),
        ("bits", c_uint8), ("lanes", c_uint16), ("shape", POINTER(c_int64)), ("strides", c_void_p),
        ("byte_offset", c_uint64),
    ]


class NormArgs(Structure):
    _fields_ = [
        ("struct_size", c_size_t), ("scope", c_int), ("num_groups", c_int32), ("input", POINTER(DLTensor)),
        ("output", POINTER(DLTensor)), ("weight", POINTER(DLTensor)), ("bias", POINTER(DLTensor)),
        ("mean", POINTER(DLTensor)), ("var", POINTER(DLTensor)), ("running_mean", POINTER(DLTensor)),
        ("running_var", POINTER(DLTensor)), ("running_weight", c_double), ("running_var_unbiased", c_int32),
        ("eps", c_double), ("path", c_int), ("stream", c_void_p), ("ran", POINTER(KernelInfo)),
    ]


def dl_tensor(array):
    """A DLTensor over a contiguous float32 array; it keeps the array alive."""
    shape = (c_int64 * array.ndim)(*array.shape)
    tensor = DLTensor(array.ctypes.data, CPU, 0, array.ndim, FLOAT, 32, 1, shape, None, 0)
    tensor.keep = (array, shape)
    return tensor


class Halogen:
    """One context of the library at `path`."""

    name = "halogen"

    def __init__(self, path, threads):
        self.library = ctypes.CDLL(path)
        self.library.halogen_version.restype = c_uint32
        options = ContextOptions(ctypes.sizeof(ContextOptions), num_threads=threads)
        self.context = c_void_p()
        error = Error(ctypes.sizeof(Error))
        self._check(self.library.halogen_context_create(
            c_uint32(self.library.halogen_version()), byref(options), byref(self.context), byref(error)), error)

    def close(self):
        self.library.halogen_context_destroy(self.context)

    def version(self):
        number = self.library.halogen_version()
        return f"{number // 1000000}.{number // 1000 % 1000}.{number % 1000}"

    @staticmethod
    def _check(status, error):
        if status != 0:
            raise RuntimeError(f"halogen: status {status}: {error.message.decode()}")

    def prepare(self, mode, buffers):
        """A function that runs the problem once on the buffers; its attribute `kernels` names what runs."""
        ran, error = KernelInfo(ctypes.sizeof(KernelInfo)), Error(ctypes.sizeof(Error))
        tensors = {name: dl_tensor(getattr(buffers, name)) for name in ("x", "y", "weight", "bias", "mean", "var")}
        args = NormArgs(ctypes.sizeof(NormArgs), SCOPE_INSTANCE if mode == "instance" else SCOPE_BATCH)
        pointers = {name: ctypes.pointer(tensor) for name, tensor in tensors.items()}
        args.input, args.output = pointers["x"], pointers["y"]
        args.weight, args.bias = pointers["weight"], pointers["bias"]
        if mode == "eval":
            args.mean, args.var = pointers["mean"], pointers["var"]
        elif mode == "train":
            args.running_mean, args.running_var = pointers["mean"], pointers["var"]
        args.running_weight, args.running_var_unbiased, args.eps = buffers.momentum, 1, buffers.eps
        self._check(self.library.halogen_norm_query(self.context, byref(args), byref(ran), byref(error)), error)

        forward, context, reference, error_reference = (
            self.library.halogen_norm_forward, self.context, byref(args), byref(error))

        def run(keep=(args, pointers, tensors, error)):
            if forward(context, reference, error_reference) != 0:
                raise RuntimeError(error.message.decode())
        run.kernels = ran.kernels.decode()
        return run


class Copy:
    """y = a * x with the loop of copy.c, on a team of threads that sleeps while others are measured."""

    name = "copy"

    def __init__(self, path, threads):
        self.library = ctypes.CDLL(path)
        self.library.halogen_bench_team_create.restype = c_void_p
        self.team = c_void_p(self.library.halogen_bench_team_create(threads))
        if not self.team:
            raise RuntimeError("no threads for the copy")

    def close(self):
        self.library.halogen_bench_team_destroy(self.team)

    def wake(self):
        self.library.halogen_bench_team_wake(self.team)

    def sleep(self):
        self.library.halogen_bench_team_sleep(self.team)

    def prepare(self, buffers):
        copy, team = self.library.halogen_bench_copy, self.team
        y, x = c_void_p(buffers.y.ctypes.data), c_void_p(buffers.x.ctypes.data)
        count, a = c_size_t(buffers.x.size), c_float(1.5)
        return lambda: copy(team, y, x, count, a)

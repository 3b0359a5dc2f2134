"""Halogen and the copy loop through ctypes, on numpy buffers."""
import ctypes
from ctypes import POINTER, Structure, byref, c_char, c_double, c_float, c_int, c_int32, c_int64, c_size_t, c_uint8
from ctypes import c_uint16, c_uint32, c_uint64, c_void_p

SCOPES = {"batch": 1, "instance": 2, "group": 3, "layer": 3}
CPU, FLOAT, BFLOAT = 1, 2, 4  # DLPack's kDLCPU, kDLFloat, kDLBfloat


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
        ("bits", c_uint8), ("lanes", c_uint16), ("shape", POINTER(c_int64)), ("strides", POINTER(c_int64)),
        ("byte_offset", c_uint64),
    ]


class NormArgs(Structure):
    _fields_ = [
        ("struct_size", c_size_t), ("scope", c_int), ("num_groups", c_int32), ("input", POINTER(DLTensor)),
        ("output", POINTER(DLTensor)), ("weight", POINTER(DLTensor)), ("bias", POINTER(DLTensor)),
        ("mean", POINTER(DLTensor)), ("var", POINTER(DLTensor)), ("running_mean", POINTER(DLTensor)),
        ("running_var", POINTER(DLTensor)), ("running_weight", c_double), ("running_var_unbiased", c_int32),
        ("eps", c_double), ("path", c_int), ("stream", c_void_p), ("ran", POINTER(KernelInfo)),
        ("layout", c_int), ("residual", POINTER(DLTensor)), ("activation", c_int), ("negative_slope", c_double),
        ("saved_mean", POINTER(DLTensor)), ("saved_rstd", POINTER(DLTensor)),
    ]


class NormBackwardArgs(Structure):
    _fields_ = [
        ("struct_size", c_size_t), ("scope", c_int), ("num_groups", c_int32), ("layout", c_int), ("path", c_int),
        ("input", POINTER(DLTensor)), ("grad_output", POINTER(DLTensor)), ("weight", POINTER(DLTensor)),
        ("saved_mean", POINTER(DLTensor)), ("saved_rstd", POINTER(DLTensor)), ("mean", POINTER(DLTensor)),
        ("var", POINTER(DLTensor)), ("activation", c_int), ("negative_slope", c_double), ("output", POINTER(DLTensor)),
        ("grad_input", POINTER(DLTensor)), ("grad_residual", POINTER(DLTensor)), ("grad_weight", POINTER(DLTensor)),
        ("grad_bias", POINTER(DLTensor)), ("eps", c_double), ("stream", c_void_p), ("ran", POINTER(KernelInfo)),
    ]


def dl_tensor(array):
    """A DLTensor over an array of any strides; it keeps the array alive."""
    shape = (c_int64 * array.ndim)(*array.shape)
    strides = (c_int64 * array.ndim)(*(stride // array.itemsize for stride in array.strides))
    code = BFLOAT if array.dtype.name == "bfloat16" else FLOAT
    tensor = DLTensor(array.ctypes.data, CPU, 0, array.ndim, code, 8 * array.itemsize, 1, shape, strides, 0)
    tensor.keep = (array, shape, strides)
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

    def prepare(self, buffers):
        """A function that runs the line once on the buffers; its attribute `kernels` names what runs."""
        line = buffers.line
        tensors = {}

        def give(args, **fields):
            for field, name in fields.items():
                tensors.setdefault(name, dl_tensor(getattr(buffers, name)))
                setattr(args, field, ctypes.pointer(tensors[name]))
        args = NormArgs(ctypes.sizeof(NormArgs), SCOPES[line.problem.scope], line.problem.groups, eps=buffers.eps)
        give(args, input="x", output="y", weight="weight", bias="bias")
        if line.mode == "eval":
            give(args, mean="mean", var="var")
        elif line.mode == "train":
            give(args, running_mean="mean", running_var="var")
            args.running_weight, args.running_var_unbiased = buffers.momentum, 1
        elif line.backward:
            give(args, saved_mean="saved_mean", saved_rstd="saved_rstd")
            self._run("halogen_norm_forward", args, tensors)()
            args = NormBackwardArgs(ctypes.sizeof(NormBackwardArgs), args.scope, args.num_groups, eps=buffers.eps)
            give(args, input="x", grad_output="dy", weight="weight", saved_mean="saved_mean", saved_rstd="saved_rstd",
                 grad_input="y", grad_weight="dweight", grad_bias="dbias")
        call = "halogen_norm_backward" if line.backward else "halogen_norm_forward"
        query = "halogen_norm_backward_query" if line.backward else "halogen_norm_query"
        ran, error = KernelInfo(ctypes.sizeof(KernelInfo)), Error(ctypes.sizeof(Error))
        self._check(getattr(self.library, query)(self.context, byref(args), byref(ran), byref(error)), error)
        run = self._run(call, args, tensors)
        run.kernels = ran.kernels.decode()
        return run

    def _run(self, function, args, tensors):
        """A function that makes this call."""
        error = Error(ctypes.sizeof(Error))
        call, context, reference, error_reference = (
            getattr(self.library, function), self.context, byref(args), byref(error))

        def run(keep=(args, tensors, error)):
            if call(context, reference, error_reference) != 0:
                raise RuntimeError(error.message.decode())
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
        """As many bytes as the line must move, half of them read and half written, over the same memory."""
        copy, team, a = self.library.halogen_bench_copy, self.team, c_float(1.5)

        def part(to, source, share):
            return c_void_p(to.ctypes.data), c_void_p(source.ctypes.data), c_size_t(int(share * source.nbytes) // 4)
        y, x, count = part(buffers.y, buffers.x, 1)

        def run():
            copy(team, y, x, count, a)
            if buffers.line.backward:
                copy(team, spare, dy, half, a)
        if buffers.line.backward:
            spare, dy, half = part(buffers.spare, buffers.dy, 0.5)
        run.team = self
        return run

    def multiply_adds(self, steps):
        """Multiply-adds on registers by every thread; .flops() says how many operations the last run was."""
        function = self.library.halogen_bench_fma
        function.restype = c_double
        done = []

        def run():
            done[:] = [function(self.team, c_size_t(steps))]
        run.team, run.flops = self, lambda: done[0]
        return run

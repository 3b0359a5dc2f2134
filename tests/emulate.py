#!/usr/bin/env python3
"""Run a statically linked x86-64 Linux program on an emulated CPU that has AVX-512.

    python emulate.py [--cpu skylake-x|sapphire-rapids|zen4] PROGRAM [ARGS...]

The CPU is the Bochs interpreter of the Python package bochscpu-python, so that tests of AVX-512 code also run on hosts
without it; qemu's user mode has no AVX-512. By default a Skylake-X: x86-64-v4 and nothing above it. Bochs has no Zen 4:
here it is a Sapphire Rapids with SSE4A, without AVX512-FP16 and AVX-VNNI. This script plays the kernel: it loads the ELF file, owns the page tables and serves system calls. It exits with the
program's exit status; a fault of the program (say, an access to a PROT_NONE page) or abort() ends this process with
the same signal it would get natively.

Limits: static or static-PIE programs without threads, on a machine of one CPU; signal handlers are accepted but never
called; exec and writable shared file mappings fail; VPCONFLICTD/Q, and KSHIFTLW by 15, give wrong results.
"""
import array
import ctypes
import errno
import mmap
import os
import re
import resource
import signal
import struct
import sys
import traceback

# The wheel refers to two functions of glibc 2.38 which are never called here: binding lazily lets it load on the older
# glibc that its platform tag promises to support.
sys.setdlopenflags(os.RTLD_LAZY)
import bochscpu  # noqa: E402
import bochscpu.memory  # noqa: E402

PAGE = 4096
SPACE = 1 << 35             # size of the program's address space
MMAP_BASE = 1 << 32         # mmap() hands out addresses from here up
PIE_BASE = 0x10000000       # where a static-PIE program is loaded
STUB = SPACE - PAGE         # the only supervisor page: the "kernel's" machine code
STACK_TOP = STUB - PAGE     # an unmapped page is left between the stack and the stub
STACK_BOTTOM = STACK_TOP - (8 << 20)
# Physical memory: the address space itself (physical == virtual address), then the page tables. The tables of a level
# are contiguous: an index finds an entry, without a walk.
PML4, PDPT, PD = SPACE, SPACE + PAGE, SPACE + 2 * PAGE
PT = PD + (SPACE >> 30) * PAGE
PHYSICAL = PT + (SPACE >> 21) * PAGE
PRESENT, WRITE, USER, ACCESSED_DIRTY, NX = 1, 2, 4, 0x60, 1 << 63
PROT_WRITE, PROT_EXEC, MAP_SHARED, MAP_FIXED, MAP_ANONYMOUS, MAP_NORESERVE = 2, 4, 1, 16, 32, 0x4000

# System calls handed to the host as they are: number (Linux, arch/x86/entry/syscalls/syscall_64.tbl) -> positions of
# pointer arguments.
HOST_CALLS = {
    0: "1", 1: "1", 2: "0", 3: "", 4: "01", 5: "1", 6: "01", 7: "0", 8: "", 16: "2", 17: "1", 18: "1", 21: "0",
    22: "0", 24: "", 32: "", 33: "", 35: "01", 39: "", 61: "13", 62: "", 63: "0", 72: "", 74: "", 77: "", 79: "0",
    80: "0", 82: "01", 83: "0", 84: "0", 87: "0", 89: "01", 96: "01", 97: "1", 98: "1", 99: "0", 102: "", 104: "",
    107: "", 108: "", 110: "", 186: "", 201: "0", 217: "1", 228: "1", 229: "1", 230: "23", 234: "", 257: "1",
    262: "12", 263: "1", 267: "12", 269: "1", 293: "0", 302: "23", 318: "0", 332: "14"}
# Successful without effect: rt_sigaction, rt_sigprocmask, sigaltstack, prctl, futex (no thread waits), set_robust_list.
IGNORED_CALLS = {13, 14, 131, 157, 202, 273}
# CPU exceptions whose signal is not SIGSEGV.
SIGNALS = {0: signal.SIGFPE, 3: signal.SIGTRAP, 6: signal.SIGILL, 16: signal.SIGFPE, 17: signal.SIGBUS,
           19: signal.SIGFPE}

# Models: the function in Bochs that makes it, and what is changed in the bits of extensions that it has (offset, mask,
# value): SSE4A; AVX512-FP16 and AVX-VNNI.
MODELS = {
    "skylake-x": ("_Z29create_corei7_skylake_x_cpuidP8BX_CPU_C", ()),
    "sapphire-rapids": ("_Z28create_sapphire_rapids_cpuidP8BX_CPU_C", ()),
    "zen4": ("_Z28create_sapphire_rapids_cpuidP8BX_CPU_C", ((0x20, 1 << 18, True), (0x24, 1 << 25 | 1 << 9, False)))}
# The one that the package always makes, a Cannon Lake.
MADE = "_Z23create_corei3_cnl_cpuidP8BX_CPU_C"

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def select_model(name):
    """Have the package make another CPU model: its function is overwritten by a call of the model's."""
    function, changes = MODELS[name]
    package = ctypes.CDLL(bochscpu._bochscpu.__file__)
    made, wanted = (ctypes.cast(getattr(package, f), ctypes.c_void_p).value for f in (MADE, function))
    # sub rsp, 8; mov rax, wanted; call rax; or / and dword [rax + offset], bits; add rsp, 8; ret
    code = bytes.fromhex("4883ec0848b8") + struct.pack("<Q", wanted) + bytes.fromhex("ffd0")
    for offset, mask, value in changes:
        bits = mask if value else mask ^ 0xffffffff
        code += struct.pack("<BBBI", 0x81, 0x48 if value else 0x60, offset, bits)
    code += bytes.fromhex("4883c408c3")
    if libc.mprotect(ctypes.c_void_p(made & -PAGE), ctypes.c_size_t(2 * PAGE), 7) != 0:
        fail("cannot select a CPU model")
    ctypes.memmove(made, code, len(code))


class Machine:
    """The CPU, its memory and the system calls of one process."""

    def __init__(self):
        # Reserved in one piece; the host supplies (zeroed) pages on first touch.
        self.mem = mmap.mmap(-1, PHYSICAL, mmap.MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self.mem))
        self.entries = memoryview(self.mem)[PT:].cast("Q")  # one for each page of SPACE
        self.used = bytearray(SPACE // PAGE)                # 1: belongs to some mapping
        flags = PRESENT | WRITE | USER | ACCESSED_DIRTY
        for table, below, count in (PML4, PDPT, 1), (PDPT, PD, SPACE >> 30), (PD, PT, SPACE >> 21):
            for i in range(count):
                struct.pack_into("<Q", self.mem, table + 8 * i, below + i * PAGE | flags)

    def protect(self, start, length, prot):
        """Set the rights of whole pages; prot None unmaps them."""
        first, last = start // PAGE, -(-(start + length) // PAGE)
        pages = bytes(8 * (last - first))
        if prot:
            flags = PRESENT | USER | ACCESSED_DIRTY | (WRITE if prot & PROT_WRITE else 0)
            flags |= 0 if prot & PROT_EXEC else NX
            pages = range(first * PAGE | flags, last * PAGE | flags, PAGE)
        self.entries[first:last] = array.array("Q", pages)
        self.used[first:last] = bytes([prot is not None]) * (last - first)

    def discard(self, start, length):
        """Make whole pages read as zero again."""
        self.mem.madvise(mmap.MADV_DONTNEED, start, -(-length // PAGE) * PAGE)

    def load(self, path):
        """Load the program; returns its entry point and its auxiliary vector."""
        with open(path, "rb") as file:
            image = file.read()
        if image[:6] != b"\x7fELF\x02\x01" or image[18:20] != b"\x3e\0":
            fail(f"{path}: not an x86-64 ELF file")
        kind, entry, phoff, phentsize, phnum = struct.unpack_from("<H6xQQ14xHH", image, 16)
        bias = PIE_BASE if kind == 3 else 0
        end = phdr = 0
        for i in range(phnum):
            kind, flags, offset, vaddr, _, filesz, memsz = struct.unpack_from("<IIQQQQQ", image, phoff + i * phentsize)
            if kind == 3:                                   # PT_INTERP
                fail(f"{path}: is dynamically linked; link it with -static")
            if kind != 1:                                   # not PT_LOAD
                continue
            data = image[offset:offset + filesz]
            if flags & 1 and re.search(rb"\x62[\x02-\xf2][\x7d\xfd].\xc4", data, re.S):
                warn(f"{path}: seems to use VPCONFLICTD/Q, which are emulated wrongly")
            vaddr += bias
            self.mem[vaddr:vaddr + filesz] = data
            # R, W, X are the bits 4, 2, 1 in a program header and 1, 2, 4 in PROT_*.
            prot = flags >> 2 & 1 | flags & 2 | (flags & 1) << 2
            self.protect(vaddr & -PAGE, vaddr % PAGE + memsz, prot)
            end = max(end, vaddr + memsz)
            if offset <= phoff < offset + filesz:
                phdr = vaddr + phoff - offset
        self.heap_end = -(-end // PAGE) * PAGE + PAGE
        entry += bias
        return entry, {3: phdr, 4: phentsize, 5: phnum, 6: PAGE, 9: entry, 17: 100, 23: 0}

    def stack(self, argv, env, auxv):
        """Build the initial stack; returns the stack pointer."""
        self.protect(STACK_BOTTOM, STACK_TOP - STACK_BOTTOM, PROT_WRITE)
        top = STACK_TOP

        def push(data):
            nonlocal top
            top -= len(data)
            self.mem[top:top + len(data)] = data
            return top

        argv, env = ([push(os.fsencode(s) + b"\0") for s in strings] for strings in (argv, env))
        auxv = {**auxv, 25: push(os.urandom(16)), 31: argv[0], 0: 0}
        words = [len(argv), *argv, 0, *env, 0, *(word for pair in auxv.items() for word in pair)]
        top = (top - 8 * len(words)) & -16
        struct.pack_into(f"<{len(words)}Q", self.mem, top, *words)
        return top

    def run(self, argv, env):
        entry, auxv = self.load(argv[0])
        # The stub. SYSCALL enters it at 0 when the hook has done all the work: "sysretq". The program is started at 16:
        # "fninit; ldmxcsr [rip+7]; sysretq". (MXCSR is not initialised below as the package makes that value the mask
        # of the valid bits.)
        self.mem[STUB:STUB + 3] = bytes.fromhex("480f07")
        self.mem[STUB + 16:STUB + 36] = bytes.fromhex("dbe30fae1507000000480f0700000000801f0000")
        self.entries[STUB // PAGE] = STUB | PRESENT | ACCESSED_DIRTY

        session = bochscpu.Session()
        session.missing_page_handler = lambda address: bochscpu.memory.page_insert(
            address & -PAGE, self.base + (address & -PAGE))
        self.cpu = session.cpu
        state = self.cpu.state
        state.cr0 = 0x80010033                              # PG WP NE ET MP PE
        state.cr3 = PML4
        state.cr4 = 0x506a0         # OSXSAVE FSGSBASE OSXMMEXCPT OSFXSR PGE PAE
        state.efer = 0xd01                                  # NXE LMA LME SCE
        state.xcr0 = 0xe7           # x87, SSE, AVX and the three parts of AVX-512
        state.mxcsr = state.mxcsr_mask = 0xffff
        state.star, state.lstar, state.sfmask = 0x23 << 48 | 0x10 << 32, STUB, 0
        state.cs = segment(0x10, 0xa09b)
        state.ss = state.ds = state.es = segment(0x18, 0xc093)
        state.fs = state.gs = segment(0, 0xc0f3)
        state.rip, state.rflags = STUB + 16, 2
        state.rcx, state.r11 = entry, 0x202                 # sysretq: to RIP and RFLAGS
        state.rsp = self.stack(argv, env, auxv)
        self.cpu.state = state

        hook = bochscpu.Hook()
        hook.far_branch = guarded(self.on_far_branch)
        hook.exception = guarded(self.on_exception)
        hook.interrupt = guarded(self.on_exception)         # int3 and the like
        session.run([hook])
        fail("the emulated CPU stopped")

    def on_exception(self, _session, _cpu, vector, error=0):
        """End this process the way the program would have ended."""
        number = SIGNALS.get(vector, signal.SIGSEGV)
        where = f", access to {self.cpu.cr2:#x}" if vector == 14 else ""
        warn(f"{number.name}: exception {vector} ({error:#x}) in the instruction before {self.cpu.rip:#x}{where}")
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(128 + number)

    def on_far_branch(self, _session, _cpu, what, *_):
        if what == 17:                                      # SYSCALL
            cpu = self.cpu
            result = self.syscall(cpu.rax, cpu.rdi, cpu.rsi, cpu.rdx, cpu.r10, cpu.r8, cpu.r9)
            cpu.rax = result & (1 << 64) - 1

    def host_call(self, number, *args):
        result = libc.syscall(number, *map(ctypes.c_ulong, args))
        return -ctypes.get_errno() if result == -1 else result

    def syscall(self, number, *args):
        a, b, c = args[:3]
        if number in HOST_CALLS:
            args = list(args)
            for i in map(int, HOST_CALLS[number]):
                if args[i]:
                    if args[i] >= SPACE or not self.entries[args[i] // PAGE] & USER:
                        return -errno.EFAULT
                    args[i] += self.base
            return self.host_call(number, *args)
        if number in IGNORED_CALLS:
            return 0
        if number == 9:                                     # mmap
            return self.map(*args)
        if number in (10, 11, 28):                          # mprotect, munmap, madvise
            if a % PAGE or a + b > STACK_TOP:
                return -errno.EINVAL
            if number != 28:
                self.protect(a, b, c if number == 10 else None)
                self.cpu.set_mode()                         # flushes the TLB
            if b and (number == 11 or number == 28 and c == mmap.MADV_DONTNEED):
                self.discard(a, b)
            return 0
        if number == 12:                                    # brk; it never shrinks
            if self.heap_end < a < MMAP_BASE:
                self.protect(self.heap_end, a - self.heap_end, PROT_WRITE)
                self.heap_end = a
            return self.heap_end
        if number == 20:                                    # writev
            vectors = struct.unpack_from(f"<{2 * c}Q", self.mem, b)
            data = b"".join(self.mem[p:p + n] for p, n in zip(vectors[::2], vectors[1::2]))
            buffer = ctypes.create_string_buffer(data, len(data))
            return self.host_call(1, a, ctypes.addressof(buffer), len(data))
        if number == 204:                                   # sched_getaffinity: one CPU
            if b < 8:
                return -errno.EINVAL
            struct.pack_into("<Q", self.mem, c, 1)
            return 8
        if number == 56:                                    # clone
            return -errno.EAGAIN if a & 0x100 else os.fork()    # CLONE_VM: a thread
        if number in (60, 231):                             # exit, exit_group
            os._exit(a & 0xff)
        if number == 158 and a == 0x1002:                   # arch_prctl(ARCH_SET_FS)
            self.cpu.fs = segment(0, 0xc0f3, b)
            return 0
        return os.getpid() if number == 218 else -errno.ENOSYS  # set_tid_address

    def map(self, address, length, prot, flags, fd, offset):
        pages = -(-length // PAGE)
        misplaced = address % PAGE or address + length > STACK_BOTTOM
        if not 0 < pages < SPACE // PAGE or flags & MAP_FIXED and misplaced:
            return -errno.ENOMEM
        if flags & MAP_SHARED and prot & PROT_WRITE and not flags & MAP_ANONYMOUS:
            return -errno.ENODEV
        if not flags & MAP_FIXED:
            first = self.used.find(bytes(pages), MMAP_BASE // PAGE, STACK_BOTTOM // PAGE - 1)
            if first < 0:
                return -errno.ENOMEM
            address = first * PAGE
        self.discard(address, length)
        if not flags & MAP_ANONYMOUS:
            data = os.pread(fd, length, offset)
            self.mem[address:address + len(data)] = data
        self.protect(address, length, prot)
        self.cpu.set_mode()                                 # flushes the TLB
        return address


def segment(selector, attributes, base=0):
    result = bochscpu.Segment()
    result.present, result.selector, result.attr = True, selector, attributes
    result.base, result.limit = base, 0xffffffff
    return result


def warn(message):
    os.write(2, f"emulate: {message}\n".encode())


def fail(message):
    """End with an error of this script itself, without the package's noisy clean-up."""
    warn(message)
    os._exit(125)


def guarded(function):
    """Python exceptions must not unwind through the native frames of the emulator."""
    def call(*args):
        try:
            function(*args)
        except BaseException:
            fail(traceback.format_exc())
    return call


if __name__ == "__main__":
    arguments, model = sys.argv[1:], "skylake-x"
    if arguments[:1] == ["--cpu"] and len(arguments) > 1:
        model, arguments = arguments[1], arguments[2:]
    if not arguments or model not in MODELS:
        fail(__doc__)
    for name in signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ:
        signal.signal(name, signal.SIG_DFL)                 # undo what Python has changed
    # A core file would only show the emulator.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    select_model(model)
    Machine().run(arguments, [f"{name}={value}" for name, value in os.environ.items()])

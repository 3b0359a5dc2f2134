"""Streaming stores for a kernel: Halide has no directive for them, LLVM has.

Halide's LLVM assembly names in its alias metadata the buffer that a store goes to. Vector stores to one buffer are marked
!nontemporal and as aligned to their size (so the kernel's caller has to see to that), and LLVM makes the object."""
import re

from llvmlite import binding as llvm


BYTES = {"i16": 2, "half": 2, "i32": 4, "float": 4, "double": 8}


def mark(assembly, buffer):
    """The assembly with its vector stores to `buffer` marked; raises ValueError where there are none."""
    node = re.search(rf'^!(\d+) = !\{{!"{re.escape(buffer)}",', assembly, re.M)
    tag = node and re.search(rf"^!(\d+) = !\{{!{node[1]}, !{node[1]}, i64 0\}}", assembly, re.M)
    if not tag:
        raise ValueError(f"no alias metadata names the buffer {buffer}")
    hint = 1 + max(int(number) for number in re.findall(r"^!(\d+) = ", assembly, re.M))
    store = re.compile(rf"^(\s*store <(\d+) x ({'|'.join(BYTES)})> [^\n]*), align \d+, !tbaa !{tag[1]}$", re.M)
    marked, count = store.subn(
        lambda m: f"{m[1]}, align {BYTES[m[3]] * int(m[2])}, !tbaa !{tag[1]}, !nontemporal !{hint}", assembly)
    if count == 0:
        raise ValueError(f"no vector store goes to the buffer {buffer}")
    return f"{marked}\n!{hint} = !{{i32 1}}\n"


def compile_object(assembly):
    """An object as Halide would make it: CPU and features are attributes of its functions.

    Halide allows every instruction what fast mathematics allows. Conversions lose that here: this LLVM, newer than Halide's, would
    take a double that was rounded to float and widened again for the double itself."""
    assembly = re.sub(r"^(\s*%\S+ = (?:fptrunc|fpext)) (?:[a-z]+ )+?(?=(?:<|float|double))", r"\1 ", assembly, flags=re.M)
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    module = llvm.parse_assembly(assembly)
    module.verify()
    target = llvm.Target.from_triple(module.triple)
    return target.create_target_machine(opt=3, reloc="pic", codemodel="small").emit_object(module)

#include "norm_copies.h"

#include "scratch.h"

namespace halogen {
namespace {

int64_t tensor_bytes(const NormProblem &p) { return norm_padded(p.N * p.C * p.S * dtype_bytes(p.dtype)); }

Strided at(const Strided &shape, const Memory &memory) {
  Strided placed = shape;
  placed.memory = memory;
  return placed;
}

}  // namespace

int64_t norm_copies_bytes(const NormProblem &p, const NormCopies &copies) {
  const int64_t count =
      (copies.input.needed ? 1 : 0) + (copies.output.needed && !p.in_place ? 1 : 0) + (copies.residual.needed ? 1 : 0);
  return count * tensor_bytes(p);
}

int norm_run_copied(Call *call, const NormProblem &p, const NormPlan &plan, const NormTensors &tensors,
                    const NormScalars &scalars, const NormCopies &copies) {
  if (!copies.any()) return norm_run(call, p, plan, tensors, scalars);
  Scratch scratch(call, tensors.input.device);
  if (!scratch.acquire(norm_copies_bytes(p, copies))) return halide_error_code_out_of_memory;
  const Variant variant = variant_of(call->context->options.isa);
  int64_t used = 0;
  const auto place = [&] { return scratch.memory().at(used++ * tensor_bytes(p), 1); };
  NormTensors t = tensors;
  const auto gather = [&](const NormCopies::Copy &copy, Memory *memory) {
    if (!copy.needed) return 0;
    *memory = place();
    return strided_copy(call, p.dtype, variant, copy.caller, at(copy.kernel, *memory));
  };
  int code = gather(copies.input, &t.input);
  if (code == 0) code = gather(copies.residual, &t.residual);
  if (code == 0 && copies.output.needed) t.output = p.in_place ? t.input : place();
  if (code == 0) code = norm_run(call, p, plan, t, scalars);
  if (code != 0 || !copies.output.needed) return code;
  return strided_copy(call, p.dtype, variant, at(copies.output.kernel, t.output), copies.output.caller);
}

}  // namespace halogen

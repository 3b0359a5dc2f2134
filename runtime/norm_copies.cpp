#include "norm_copies.h"

#include "norm_run.h"

namespace halogen {
namespace {

int64_t tensor_bytes(const NormProblem &p) { return norm_padded(p.N * p.C * p.S * dtype_bytes(p.dtype)); }

Strided placed(const NormCopy &copy) {
  Strided kernel = copy.kernel;
  kernel.memory = *copy.memory;
  return kernel;
}

int copy(Call *call, const NormProblem &p, const Strided &from, const Strided &to) {
  return strided_copy(call, p.dtype, norm_variant(p.gpu, call->context->options.isa), from, to);
}

}  // namespace

int64_t norm_copies_bytes(const NormProblem &p, const NormCopies &copies) { return copies.count * tensor_bytes(p); }

int norm_gather(Call *call, const NormProblem &p, const NormCopies &copies, Scratch *scratch) {
  if (copies.count == 0) return 0;
  if (!scratch->acquire(norm_copies_bytes(p, copies))) return halide_error_code_out_of_memory;
  int code = 0;
  for (int32_t i = 0; i < copies.count && code == 0; ++i) {
    *copies.copy[i].memory = scratch->memory().at(i * tensor_bytes(p), 1);
    if (copies.copy[i].read) code = copy(call, p, copies.copy[i].caller, placed(copies.copy[i]));
  }
  return code;
}

int norm_scatter(Call *call, const NormProblem &p, const NormCopies &copies) {
  int code = 0;
  for (int32_t i = 0; i < copies.count && code == 0; ++i) {
    if (copies.copy[i].written) code = copy(call, p, placed(copies.copy[i]), copies.copy[i].caller);
  }
  return code;
}

}  // namespace halogen

// norm_call.h: all that one call of halogen_norm_forward() or halogen_norm_backward() needs.
#pragma once

#include <string>

#include "halogen_objects.h"
#include "norm_line.h"
#include "settings.h"
#include "team.h"
#include "tensors.h"

namespace halogen_bench {

class NormCall {
 public:
  NormCall(const NormLine &line, const Settings &settings);

  void operator()();
  /// Forward of `x`, which outlives this, in the place of its own input.
  void read_from(const DLTensor *x) { forward_.input = x; }
  /// The kernels that run.
  std::string kernels();

  /// Moves as many bytes as a call that reads every input once, half of them read and half written, over the same memory; the
  /// plain loop, or the C library's memcpy. The team must be awake.
  void copy(const Team &team) const;
  void memory_copy(const Team &team) const;

  size_t tensor_bytes() const { return x_.bytes(); }

 private:
  using CopyFunction = void (*)(halogen_bench_team *, float *, const float *, size_t);
  void copy_with(CopyFunction function, const Team &team) const;
  void describe_forward(const NormLine &line, const Settings &settings);
  void describe_backward(const NormLine &line, const Settings &settings);

  bool backward_;
  Context context_;
  Dtype vectors_;  // of parameters and statistics
  // x is what is normalised; `in` what the gradient is taken of, `out` what is written. spare: half a tensor, so that backward's
  // copy writes half as much as three tensors are.
  OwnedTensor x_, in_, out_, spare_;
  // mean and var: given or running ones; backward, the gradients of weight and bias.
  OwnedTensor weight_, bias_, mean_, var_, saved_mean_, saved_rstd_;
  halogen_norm_args forward_;
  halogen_norm_backward_args args_;
  halogen_error error_ = HALOGEN_ERROR_INIT;
};

}  // namespace halogen_bench

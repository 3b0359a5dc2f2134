// conv_call.h: one call of halogen_conv_transpose1d_forward, with all that it needs.
#pragma once

#include <halogen/conv.h>

#include <memory>
#include <string>

#include "conv_problem.h"
#include "halogen_objects.h"
#include "settings.h"
#include "tensors.h"

namespace halogen_bench {

/// The numbers of a problem, in the arguments of the forward or the backward pass.
template <typename Args>
void set_numbers(const ConvProblem &p, const Settings &settings, Args *args) {
  args->stride = p.stride;
  args->dilation = 1;
  args->groups = p.groups;
  args->pad_left = p.pad_left;
  args->pad_right = p.pad_right;
  args->path = settings.conv_path;
}

struct DestroyWeights {
  void operator()(halogen_conv_weights *weights) const { halogen_conv_transpose1d_weights_destroy(weights); }
};
using PackedWeights = std::unique_ptr<halogen_conv_weights, DestroyWeights>;

class ConvCall {
 public:
  ConvCall(const ConvProblem &problem, const Dtype &dtype, int threads, const Settings &settings);

  /// With weights that were packed beforehand.
  void operator()();
  /// Packs, too.
  void one_shot();
  /// Seconds of the first call of a context that was just made: it packs, starts threads and asks for memory.
  double first();
  /// Which kernels it takes, and why.
  std::string kernels();
  /// Bytes of the packed weights.
  size_t packed_bytes();
  /// Per cent of the lanes that L's rounding to whole vectors leaves idle, where lanes run along positions; else 0.
  double idle_lanes(const ConvProblem &problem);

 private:
  Settings settings_;
  int threads_;
  Context context_;
  OwnedTensor x_, y_, weight_, bias_;
  PackedWeights packed_;
  halogen_conv_weights_params params_;
  halogen_conv_transpose1d_args args_;
  halogen_error error_ = HALOGEN_ERROR_INIT;
};

}  // namespace halogen_bench

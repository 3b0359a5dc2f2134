// Initial values of a module's parameters: what halogen_initialize() does, and what each framework's reset_parameters takes.
#pragma once

#include <halogen/init.h>

#include "philox.h"
#include "status.h"

namespace halogen {

/// Fills a contiguous CPU tensor. `initializer` is of this version.
halogen_status initialize(halogen_context *context, const Report &report, const halogen_initializer &initializer,
                          const Seed &seed, const DLTensor *tensor);

/// An initialiser of MindSpore with its defaults.
halogen_initializer initializer_of(halogen_initializer_kind kind);
halogen_initializer uniform_initializer(double bound);
halogen_initializer normal_initializer(double sigma);

/// What frameworks fill new transposed convolutions with. tests/golden/init_facts.json records each.
enum class ConvDefaults {
  by_fan,  ///< torch, oneflow, mindspore since 2.7: weight and bias U(-b, b), b = 1 / sqrt(out_channels / groups * positions)
  mindspore_2_0,  ///< weight N(0, 0.01^2), bias 0
  megengine       ///< weight N(0, 1 / (out_channels * positions)), not divided by groups; bias 0
};
struct ConvInitializers {
  halogen_initializer weight, bias;
};
/// @param positions of the kernel: kernel_size, or its product over the axes.
ConvInitializers conv_transpose_initializers(ConvDefaults defaults, int64_t out_channels, int64_t groups,
                                             int64_t positions);

}  // namespace halogen

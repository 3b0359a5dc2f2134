// GroupNorm and LayerNorm, which torch and OneFlow have with the same parameters.
#pragma once

#include "common.h"

namespace halogen {

struct GroupNormModule;
struct LayerNormModule;

/// A framework's class: its checks of the input, in its order and words.
template <class Module>
struct GroupNormWords {
  const char *name;
  bool has_bias;  ///< as an argument of its own
  halogen_status (*check_input)(const Report &report, const Module &module, const DLTensor &input);
  halogen_status (*check_dtype)(const Report &report, const halogen_module &module, const DLTensor &input);
};

struct GroupNormModule {
  halogen_module base;
  const GroupNormWords<GroupNormModule> *words;
  int64_t num_groups, num_channels;
  double eps;
  bool affine, bias;
};

struct LayerNormModule {
  halogen_module base;
  const GroupNormWords<LayerNormModule> *words;
  int64_t normalized_shape[kMaxStateRank];
  int32_t normalized_dims;
  double eps;
  bool affine, bias;
};

struct GroupNormParams {
  int64_t num_groups, num_channels;
  double eps;
  int32_t affine, bias;
  DLDataType dtype;
  DLDevice device;
};

struct LayerNormParams {
  const int64_t *normalized_shape;
  int32_t normalized_dims, elementwise_affine, bias;
  double eps;
  DLDataType dtype;
  DLDevice device;
};

halogen_status create_group_norm(const Report &report, halogen_context *context,
                                 const GroupNormWords<GroupNormModule> &words, const GroupNormParams &params,
                                 halogen_module **module);
halogen_status create_layer_norm(const Report &report, halogen_context *context,
                                 const GroupNormWords<LayerNormModule> &words, const LayerNormParams &params,
                                 halogen_module **module);

/// ", affine=True, bias=True)": the end of what is printed.
void print_affine(Text *text, const char *name, bool affine, bool bias, bool has_bias);

/// Whether the input's last dimensions are the normalized ones.
bool has_normalized_shape(const LayerNormModule &module, const DLTensor &input);

/// -1 where it is beyond 2^63 - 1.
int64_t product(const int64_t *extents, int32_t count);

}  // namespace halogen

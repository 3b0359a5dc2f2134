#include "params.h"

#include "tensor.h"

namespace halogen {
namespace {

constexpr DLDevice kCpu = {kDLCPU, 0};

/// What all modules have.
template <class Params>
void set_place(Params *params) {
  params->dtype = kFloat32;
  params->device = kCpu;
}

/// What all normalisations have.
template <class Params>
void set_norm(Params *params) {
  set_place(params);
  params->eps = 1e-5;
}

template <class Params>
void set_running_norm(Params *params, double momentum, int32_t affine, int32_t track_running_stats) {
  set_norm(params);
  params->momentum = momentum;
  params->affine = affine;
  params->track_running_stats = track_running_stats;
}

template <class Params>
void set_layer_norm(Params *params) {
  set_norm(params);
  params->elementwise_affine = 1;
}

template <class Params>
void set_conv(Params *params) {
  set_place(params);
  params->stride = params->groups = params->dilation = 1;
  params->bias = 1;
}

}  // namespace

void set_defaults(halogen_torch_batch_norm_params *params) {
  set_running_norm(params, 0.1, 1, 1);
  params->bias = 1;
}

void set_defaults(halogen_torch_instance_norm_params *params) {
  set_running_norm(params, 0.1, 0, 0);
  params->bias = 1;
}

void set_defaults(halogen_torch_group_norm_params *params) {
  set_norm(params);
  params->affine = params->bias = 1;
}

void set_defaults(halogen_torch_layer_norm_params *params) {
  set_layer_norm(params);
  params->bias = 1;
}

void set_defaults(halogen_torch_conv_transpose1d_params *params) { set_conv(params); }

void set_defaults(halogen_mindspore_batch_norm_params *params) {
  set_norm(params);
  params->momentum = 0.9;
  params->affine = 1;
}

void set_defaults(halogen_mindspore_instance_norm_params *params) {
  set_norm(params);
  params->momentum = 0.1;
  params->affine = 1;
}

void set_defaults(halogen_mindspore_conv1d_transpose_params *params) {
  set_place(params);
  params->stride = params->group = params->dilation = 1;
}

void set_defaults(halogen_megengine_batch_norm_params *params) { set_running_norm(params, 0.9, 1, 1); }

void set_defaults(halogen_megengine_instance_norm_params *params) {
  set_norm(params);
  params->affine = 1;
}

void set_defaults(halogen_megengine_conv_transpose2d_params *params) {
  set_place(params);
  for (int axis = 0; axis < 2; ++axis) params->stride[axis] = params->dilation[axis] = 1;
  params->groups = 1;
  params->bias = 1;
}

void set_defaults(halogen_oneflow_batch_norm_params *params) { set_running_norm(params, 0.1, 1, 1); }

void set_defaults(halogen_oneflow_instance_norm_params *params) { set_running_norm(params, 0.1, 0, 0); }

void set_defaults(halogen_oneflow_group_norm_params *params) {
  set_norm(params);
  params->affine = 1;
}

void set_defaults(halogen_oneflow_layer_norm_params *params) { set_layer_norm(params); }

void set_defaults(halogen_oneflow_conv_transpose1d_params *params) { set_conv(params); }

namespace {

/// A params_init whose only argument without a default is the number of channels.
template <class Params>
halogen_status init_norm(Params *params, size_t struct_size, int64_t Params::*field, int64_t channels,
                         halogen_error *error) {
  return init_params(params, struct_size, error, [=](Params *p) { p->*field = channels; });
}

template <class Params>
halogen_status init_group_norm(Params *params, size_t struct_size, int64_t num_groups, int64_t num_channels,
                               halogen_error *error) {
  return init_params(params, struct_size, error, [=](Params *p) {
    p->num_groups = num_groups;
    p->num_channels = num_channels;
  });
}

template <class Params>
halogen_status init_layer_norm(Params *params, size_t struct_size, const int64_t *normalized_shape,
                               int32_t normalized_dims, halogen_error *error) {
  return init_params(params, struct_size, error, [=](Params *p) {
    p->normalized_shape = normalized_shape;
    p->normalized_dims = normalized_dims;
  });
}

template <class Params>
halogen_status init_conv(Params *params, size_t struct_size, int64_t in_channels, int64_t out_channels,
                         int64_t kernel_size, halogen_error *error) {
  return init_params(params, struct_size, error, [=](Params *p) {
    p->in_channels = in_channels;
    p->out_channels = out_channels;
    p->kernel_size = kernel_size;
  });
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

#define HALOGEN_INIT_NORM(module, channels)                                                            \
  halogen_status halogen_##module##_params_init(halogen_##module##_params *params, size_t struct_size, \
                                                int64_t channels, halogen_error *error) {              \
    return init_norm(params, struct_size, &halogen_##module##_params::channels, channels, error);      \
  }
HALOGEN_INIT_NORM(torch_batch_norm, num_features)
HALOGEN_INIT_NORM(torch_instance_norm, num_features)
HALOGEN_INIT_NORM(mindspore_batch_norm, num_features)
HALOGEN_INIT_NORM(mindspore_instance_norm, num_features)
HALOGEN_INIT_NORM(megengine_batch_norm, num_features)
HALOGEN_INIT_NORM(megengine_instance_norm, num_channels)
HALOGEN_INIT_NORM(oneflow_batch_norm, num_features)
HALOGEN_INIT_NORM(oneflow_instance_norm, num_features)
#undef HALOGEN_INIT_NORM

#define HALOGEN_INIT_GROUP_AND_LAYER_NORM(framework)                                                               \
  halogen_status halogen_##framework##_group_norm_params_init(halogen_##framework##_group_norm_params *params,     \
                                                              size_t struct_size, int64_t num_groups,              \
                                                              int64_t num_channels, halogen_error *error) {        \
    return init_group_norm(params, struct_size, num_groups, num_channels, error);                                  \
  }                                                                                                                \
  halogen_status halogen_##framework##_layer_norm_params_init(halogen_##framework##_layer_norm_params *params,     \
                                                              size_t struct_size, const int64_t *normalized_shape, \
                                                              int32_t normalized_dims, halogen_error *error) {     \
    return init_layer_norm(params, struct_size, normalized_shape, normalized_dims, error);                         \
  }
HALOGEN_INIT_GROUP_AND_LAYER_NORM(torch)
HALOGEN_INIT_GROUP_AND_LAYER_NORM(oneflow)
#undef HALOGEN_INIT_GROUP_AND_LAYER_NORM

#define HALOGEN_INIT_CONV(module)                                                                               \
  halogen_status halogen_##module##_params_init(halogen_##module##_params *params, size_t struct_size,          \
                                                int64_t in_channels, int64_t out_channels, int64_t kernel_size, \
                                                halogen_error *error) {                                         \
    return init_conv(params, struct_size, in_channels, out_channels, kernel_size, error);                       \
  }
HALOGEN_INIT_CONV(torch_conv_transpose1d)
HALOGEN_INIT_CONV(mindspore_conv1d_transpose)
HALOGEN_INIT_CONV(oneflow_conv_transpose1d)
#undef HALOGEN_INIT_CONV

halogen_status halogen_megengine_conv_transpose2d_params_init(halogen_megengine_conv_transpose2d_params *params,
                                                              size_t struct_size, int64_t in_channels,
                                                              int64_t out_channels, const int64_t *kernel_size,
                                                              halogen_error *error) {
  if (kernel_size == nullptr) return fail_null({nullptr, error}, "kernel_size");
  return init_params(params, struct_size, error, [=](halogen_megengine_conv_transpose2d_params *p) {
    p->in_channels = in_channels;
    p->out_channels = out_channels;
    p->kernel_size[0] = kernel_size[0];
    p->kernel_size[1] = kernel_size[1];
  });
}

}  // extern "C"

// Moments of a part of a batch, and of its parts together.
#include <halogen/moments.h>

#include <algorithm>

#include "integers.h"
#include "norm_call.h"
#include "norm_check.h"

namespace halogen {
namespace {

struct NormMomentsCall : NormCallBase {
  NormTensors tensors;
};

struct Moments {
  const NormMomentsCall &call;

  halogen_norm_path path = HALOGEN_NORM_PATH_SPLIT;
  bool names(const NormPlan &plan, halogen_isa isa, halogen_kernel_info *info, const char **missing) const {
    return norm_moments_kernel_names(call.problem, plan, isa, info->kernels, sizeof(info->kernels), missing);
  }
  bool has_moments() const { return true; }
  int64_t workspace_bytes(const NormPlan &plan) const {
    return call.empty ? 0 : norm_workspace_bytes(call.problem, plan);
  }
  int run(Call *record, const NormPlan &plan) const {
    const Memory &to = call.tensors.moments.memory;
    if (call.empty) return norm_join(record, to, 0, call.problem.C, to);
    return norm_moments(record, call.problem, plan, call.tensors, to);
  }
};

halogen_status check_moments(const Report &report, const halogen_norm_moments_args &args, NormMomentsCall *call) {
  NormProblem &p = call->problem;
  NormTensors &t = call->tensors;
  p = {};
  t = {};
  p.scope = HALOGEN_NORM_SCOPE_BATCH;
  p.groups = 1;
  p.own_statistics = true;
  halogen_status status = check_norm_enums(report, p.scope, HALOGEN_NORM_PATH_AUTO, args.layout, 0);
  if (status != HALOGEN_OK) return status;
  call->data[0] = {args.input, "input", true, false, 0, &t.input, &p.x};
  call->data_count = 1;
  status = check_norm_data(report, args.layout, true, call->data, 1, &p, &call->copies);
  if (status != HALOGEN_OK) return status;
  p.y = p.residual = p.x;
  t.output = t.input;
  call->empty = call->data[0].tensor.elements == 0;
  call->device = call->data[0].tensor.memory.device;
  call->vectors[0] = {args.moments, "moments", true, VectorOf::moments, &t.moments};
  call->vector_count = 1;
  if (args.moments == nullptr) return fail_null(report, "moments");
  return check_norm_vectors(report, call->data, 1, p, true, call->vectors, 1);
}

halogen_status check_parts(const Report &report, const halogen_norm_merge_moments_args &args, Tensor *parts,
                           Tensor *moments) {
  halogen_status status = check_tensor(report, "parts", args.parts, kFloat64, true, parts);
  if (status == HALOGEN_OK) status = check_tensor(report, "moments", args.moments, kFloat64, true, moments);
  if (status != HALOGEN_OK) return status;
  char got[160];
  if (parts->ndim != 3 || parts->shape[1] != 3) {
    return fail(report, HALOGEN_ERROR_SHAPE, "parts: expected (parts, 3, C), got %s", shape_text(*parts, got));
  }
  const int64_t channels = parts->shape[2];
  if (moments->ndim != 2 || moments->shape[0] != 3 || moments->shape[1] != channels) {
    return fail(report, HALOGEN_ERROR_SHAPE, "moments: expected (3, %lld), got %s", static_cast<long long>(channels),
                shape_text(*moments, got));
  }
  if (parts->elements > kMaxElements || channels > kMaxElements / 3) {
    return fail(report, HALOGEN_ERROR_SIZE, "parts: expected at most 2^31 - 1 elements, got %s",
                shape_text(*parts, got));
  }
  status = check_device(report, *parts);
  if (status == HALOGEN_OK) status = check_same_device(report, *moments, *parts);
  return status == HALOGEN_OK ? check_no_overlap(report, *moments, *parts) : status;
}

halogen_status merge(const Report &report, halogen_context *context, const halogen_norm_merge_moments_args &args) {
  Tensor parts, moments;
  const halogen_status status = check_parts(report, args, &parts, &moments);
  if (status != HALOGEN_OK) return status;
  halogen_kernel_info described;
  std::memset(&described, 0, sizeof(described));
  const int64_t channels = parts.shape[2];
  if (channels == 0) {
    set_text(described.reason, sizeof(described.reason), "the tensor is empty: nothing to compute");
    if (args.ran != nullptr) write_struct(described, args.ran);
    return HALOGEN_OK;
  }
  const DLDevice device = parts.memory.device;
  const bool gpu = device.device_type != kDLCPU;
  const char *kernel = norm_join_name(norm_variant(gpu, context->options.isa));
  set_text(described.isa, sizeof(described.isa), gpu ? gpu_name() : isa_name(context->options.isa));
  if (kernel == nullptr) {
    return fail(report, HALOGEN_ERROR_UNSUPPORTED, "no kernel fits: join of float64: not in this library for %s",
                described.isa);
  }
  set_text(described.kernels, sizeof(described.kernels), kernel);
  set_text(described.reason, sizeof(described.reason), "one pass over the parts");
  if (args.ran != nullptr) write_struct(described, args.ran);
  Call record(context, args.stream, device.device_id, report.error);
  if (gpu) {
    const halogen_status ready = context->gpu.begin(&record, device);
    if (ready != HALOGEN_OK) return ready;
    Vector from{parts.memory, Dtype::f64, true}, to{moments.memory, Dtype::f64, true};
    const VectorField fields[] = {{args.parts, "parts", false, VectorOf::moments, &from},
                                  {args.moments, "moments", true, VectorOf::moments, &to}};
    const halogen_status aligned = check_norm_offsets(report, context->gpu, record, nullptr, 0, fields, 2);
    if (aligned != HALOGEN_OK) return aligned;
  }
  return record.finish(norm_join(&record, parts.memory, parts.shape[0], channels, moments.memory));
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_norm_moments(halogen_context *context, const halogen_norm_moments_args *args,
                                    halogen_error *error) {
  return entry(context, args, error, [&](const Report &report, const halogen_norm_moments_args &copy) {
    halogen_status status = copy.ran != nullptr ? check_struct(report, "args.ran", copy.ran) : HALOGEN_OK;
    NormMomentsCall call;
    if (status == HALOGEN_OK) status = check_moments(report, copy, &call);
    return status == HALOGEN_OK ? run(report, context, Moments{call}, copy.stream, false, copy.ran) : status;
  });
}

halogen_status halogen_norm_merge_moments(halogen_context *context, const halogen_norm_merge_moments_args *args,
                                          halogen_error *error) {
  return entry(context, args, error, [&](const Report &report, const halogen_norm_merge_moments_args &copy) {
    const halogen_status status = copy.ran != nullptr ? check_struct(report, "args.ran", copy.ran) : HALOGEN_OK;
    return status == HALOGEN_OK ? merge(report, context, copy) : status;
  });
}

}  // extern "C"

#include "norm_check.h"

#include <algorithm>

namespace halogen {
namespace {

halogen_status check_running(const Report &report, const halogen_norm_args &args) {
  if (args.running_mean == nullptr) return HALOGEN_OK;
  if (args.mean != nullptr) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "running_mean: expected the input's own statistics to update from, got given ones (mean, var)");
  }
  if (args.scope == HALOGEN_NORM_SCOPE_GROUP) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "running_mean: expected scope batch or instance, got group");
  }
  if (!(args.running_weight >= 0 && args.running_weight <= 1)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "running_weight: expected a number from 0 to 1, got %g",
                args.running_weight);
  }
  if (args.running_var_unbiased != 0 && args.running_var_unbiased != 1) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "running_var_unbiased: expected 0 or 1, got %d",
                args.running_var_unbiased);
  }
  return HALOGEN_OK;
}

halogen_status check_scalars(const Report &report, const halogen_norm_args &args) {
  halogen_status status = check_norm_enums(report, args.scope, args.path, args.layout, args.eps);
  if (status == HALOGEN_OK) status = check_pair(report, "mean", args.mean, "var", args.var);
  if (status == HALOGEN_OK) {
    status = check_pair(report, "running_mean", args.running_mean, "running_var", args.running_var);
  }
  if (status == HALOGEN_OK) status = check_pair(report, "saved_mean", args.saved_mean, "saved_rstd", args.saved_rstd);
  if (status == HALOGEN_OK && args.saved_mean != nullptr && args.mean != nullptr) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "saved_mean: expected the input's own statistics to save, got given ones (mean, var)");
  }
  if (status == HALOGEN_OK && args.moments != nullptr) {
    status = check_norm_moments(report, args.scope, args.mean, "mean");
  }
  if (status == HALOGEN_OK) status = check_norm_activation(report, args.activation, args.negative_slope);
  return status == HALOGEN_OK ? check_running(report, args) : status;
}

}  // namespace

halogen_status check_norm(const Report &report, const halogen_norm_args &args, bool need_data, NormCall *call) {
  enum { kInput, kOutput, kResidual, kDataFields };
  halogen_status status = check_scalars(report, args);
  if (status != HALOGEN_OK) return status;
  NormProblem &p = call->problem;
  NormTensors &t = call->tensors;
  p = {};
  p.scope = args.scope;
  p.own_statistics = args.mean == nullptr && args.moments == nullptr;
  p.epilogue = args.residual != nullptr || args.activation != HALOGEN_ACTIVATION_NONE;
  const DataField data[kDataFields] = {
      {args.input, "input", true, false, 0, &t.input, &p.x},
      {args.output, "output", true, true, 1 << kInput | 1 << kResidual, &t.output, &p.y},
      {args.residual, "residual", false, false, 0, &t.residual, &p.residual}};
  std::copy(std::begin(data), std::end(data), call->data);
  call->data_count = kDataFields;
  status = check_norm_data(report, args.layout, need_data, call->data, kDataFields, &p, &call->copies);
  if (status == HALOGEN_OK) status = check_norm_groups(report, args.scope, args.num_groups, &p);
  if (status != HALOGEN_OK) return status;
  const DataField &output = call->data[kOutput];
  if (args.residual == nullptr) p.residual = p.x;
  p.in_place = !output.copied && (same_data(call->data, kOutput, kInput) || same_data(call->data, kOutput, kResidual));
  call->empty = call->data[kInput].tensor.elements == 0;
  p.whole_lines = !call->empty && whole_lines(p, output);

  const VectorField vectors[] = {{args.weight, "weight", false, VectorOf::channels, &t.weight},
                                 {args.bias, "bias", false, VectorOf::channels, &t.bias},
                                 {args.mean, "mean", false, VectorOf::channels, &t.mean},
                                 {args.var, "var", false, VectorOf::channels, &t.var},
                                 {args.running_mean, "running_mean", true, VectorOf::channels, &t.running_mean},
                                 {args.running_var, "running_var", true, VectorOf::channels, &t.running_var},
                                 {args.saved_mean, "saved_mean", true, VectorOf::sets, &t.saved_mean},
                                 {args.saved_rstd, "saved_rstd", true, VectorOf::sets, &t.saved_rstd},
                                 {args.moments, "moments", false, VectorOf::moments, &t.moments}};
  std::copy(std::begin(vectors), std::end(vectors), call->vectors);
  call->vector_count = static_cast<int32_t>(std::size(vectors));
  status = check_norm_vectors(report, call->data, kDataFields, p, need_data, vectors, call->vector_count);
  if (status == HALOGEN_OK && t.running_mean.exists && t.running_mean.dtype != t.running_var.dtype) {
    return fail(report, HALOGEN_ERROR_DTYPE, "running_var: expected %s, as running_mean, got %s",
                DtypeText(args.running_mean->dtype).text, DtypeText(args.running_var->dtype).text);
  }
  const double slope = args.activation == HALOGEN_ACTIVATION_NONE ? 1 : args.negative_slope;
  call->scalars = {args.eps, args.running_weight, args.running_var_unbiased != 0, slope};
  call->device = call->data[kInput].tensor.memory.device;
  return status;
}

}  // namespace halogen

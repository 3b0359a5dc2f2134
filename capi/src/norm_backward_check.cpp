#include <algorithm>

#include "norm_check.h"
#include "norm_layout.h"

namespace halogen {
namespace {

/// Of a batch that is shared out, the sums of the whole come between those of a part and grad_input.
halogen_status check_parts(const Report &report, const halogen_norm_backward_args &args) {
  if (args.moments == nullptr) {
    if (args.sums == nullptr && args.part_sums == nullptr) return HALOGEN_OK;
    return fail(report, HALOGEN_ERROR_NULL_POINTER, "moments: expected those of the whole batch beside %s, got NULL",
                args.sums != nullptr ? "sums" : "part_sums");
  }
  const bool saved = args.mean == nullptr;
  const halogen_status status =
      check_norm_moments(report, args.scope, saved ? args.saved_mean : args.mean, saved ? "saved_mean" : "mean");
  if (status != HALOGEN_OK) return status;
  if (args.sums != nullptr && args.part_sums != nullptr) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "sums, part_sums: expected one of them, got both");
  }
  if (args.sums == nullptr && args.grad_input != nullptr) {
    return fail(report, HALOGEN_ERROR_NULL_POINTER, "sums: expected those of the whole batch for grad_input, got NULL");
  }
  return HALOGEN_OK;
}

halogen_status check_scalars(const Report &report, const halogen_norm_backward_args &args) {
  halogen_status status = check_norm_enums(report, args.scope, args.path, args.layout, args.eps);
  if (status == HALOGEN_OK) status = check_pair(report, "mean", args.mean, "var", args.var);
  if (status == HALOGEN_OK) status = check_pair(report, "saved_mean", args.saved_mean, "saved_rstd", args.saved_rstd);
  if (status == HALOGEN_OK && args.saved_mean != nullptr && args.mean != nullptr) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "saved_mean: expected NULL where statistics (mean, var) are given");
  }
  if (status == HALOGEN_OK) status = check_parts(report, args);
  if (status == HALOGEN_OK) status = check_norm_activation(report, args.activation, args.negative_slope);
  if (status != HALOGEN_OK) return status;
  const bool activates = args.activation != HALOGEN_ACTIVATION_NONE;
  if (activates && args.output == nullptr) {
    return fail(report, HALOGEN_ERROR_NULL_POINTER,
                "output: expected the forward pass's output, for its activation, got NULL");
  }
  if (activates && args.negative_slope < 0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "negative_slope: expected 0 or more, as the output's sign must be that of its input, got %g",
                args.negative_slope);
  }
  return HALOGEN_OK;
}

}  // namespace

halogen_status check_norm_backward(const Report &report, const halogen_norm_backward_args &args, bool need_data,
                                   NormBackwardCall *call) {
  enum { kInput, kGradOutput, kOutput, kGradInput, kGradResidual, kDataFields };
  halogen_status status = check_scalars(report, args);
  if (status != HALOGEN_OK) return status;
  NormProblem &p = call->problem;
  NormBackwardTensors &t = call->tensors;
  p = {};
  t = {};
  p.scope = args.scope;
  p.own_statistics = args.mean == nullptr;
  p.backward = true;
  const bool activates = args.activation != HALOGEN_ACTIVATION_NONE;
  const DataField data[kDataFields] = {
      {args.input, "input", true, false, 0, &t.input, &p.x},
      {args.grad_output, "grad_output", true, false, 0, &t.grad_output, &t.grad_output_strides},
      {activates ? args.output : nullptr, "output", false, false, 0, &t.output, &t.output_strides},
      {args.grad_input, "grad_input", false, true, 1 << kInput | 1 << kGradOutput, &t.grad_input, &p.y},
      {args.grad_residual, "grad_residual", false, true, 1 << kGradOutput, &t.grad_residual, &t.grad_residual_strides}};
  std::copy(std::begin(data), std::end(data), call->data);
  call->data_count = kDataFields;
  status = check_norm_data(report, args.layout, need_data, call->data, kDataFields, &p, &call->copies);
  if (status == HALOGEN_OK) status = check_norm_groups(report, args.scope, args.num_groups, &p);
  if (status != HALOGEN_OK) return status;
  const DataField &dx = call->data[kGradInput];
  const bool on_input = !dx.copied && same_data(call->data, kGradInput, kInput);
  const bool on_gradient = !dx.copied && same_data(call->data, kGradInput, kGradOutput);
  call->empty = call->data[kInput].tensor.elements == 0;
  p.whole_lines = !call->empty && dx.present() && whole_lines(p, dx);
  t.has_grad_input = dx.present();
  t.has_grad_residual = args.grad_residual != nullptr;
  t.on_input = on_input;

  const bool given = args.mean != nullptr;
  const VectorOf of = given ? VectorOf::channels : VectorOf::sets;
  const VectorField vectors[] = {
      {args.weight, "weight", false, VectorOf::channels, &t.weight},
      {given ? args.mean : args.saved_mean, given ? "mean" : "saved_mean", false, of, &t.mean},
      {given ? args.var : args.saved_rstd, given ? "var" : "saved_rstd", false, of, &t.spread},
      {args.grad_weight, "grad_weight", true, VectorOf::channels, &t.grad_weight},
      {args.grad_bias, "grad_bias", true, VectorOf::channels, &t.grad_bias},
      {args.moments, "moments", false, VectorOf::moments, &t.moments},
      {args.sums, "sums", false, VectorOf::sums, &t.sums},
      {args.part_sums, "part_sums", true, VectorOf::sums, &t.part_sums}};
  std::copy(std::begin(vectors), std::end(vectors), call->vectors);
  call->vector_count = static_cast<int32_t>(std::size(vectors));
  status = check_norm_vectors(report, call->data, kDataFields, p, need_data, vectors, call->vector_count);
  if (status != HALOGEN_OK) return status;
  if (t.grad_weight.exists && t.grad_bias.exists && t.grad_weight.dtype != t.grad_bias.dtype) {
    return fail(report, HALOGEN_ERROR_DTYPE, "grad_bias: expected %s, as grad_weight, got %s",
                DtypeText(args.grad_weight->dtype).text, DtypeText(args.grad_bias->dtype).text);
  }
  call->scalars = {args.eps, args.negative_slope, activates, !given};
  call->device = call->data[kInput].tensor.memory.device;
  // Without dx, or with its sums given, there is nothing to fuse sums with.
  call->path = t.has_grad_input && args.moments == nullptr ? args.path : HALOGEN_NORM_PATH_SPLIT;

  using Masked = NormBackwardSteps::Masked;
  const Masked masked = norm_masked(p, t, call->scalars);
  p.masked = masked == Masked::in_kernels;
  p.result = t.output_strides;
  p.residual = masked <= Masked::in_kernels      ? t.grad_output_strides
               : masked == Masked::grad_residual ? t.grad_residual_strides
               : masked == Masked::grad_input    ? p.y
                                                 : norm_dense(p, p.channel_last);
  p.in_place = on_input || masked == Masked::grad_input || (on_gradient && masked <= Masked::in_kernels);
  return HALOGEN_OK;
}

}  // namespace halogen

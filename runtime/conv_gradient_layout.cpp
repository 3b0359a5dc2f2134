// What a call of conv_gradient.h needs beside its tensors, and the gradients of nothing.
#include <algorithm>

#include "conv_gradient.h"
#include "conv_kernels.h"
#include "integers.h"
#include "ran.h"
#include "strided_copy.h"

namespace halogen {
ConvGradientLayout conv_gradient_layout(const ConvGradientProblem &p, const ConvGradientPlan &plan,
                                        const ConvGradientTensors &t) {
  const ConvWeightShape &w = p.shape;
  const int64_t bytes = dtype_bytes(w.dtype), size = dtype_bytes(compute_dtype(w.dtype));
  ConvGradientLayout layout = {};
  layout.copies = p.wants_input && !conv_rows_are_dense(w, t.weight);
  layout.widens = p.wants_input && bytes != size;
  layout.weights_row = round_up(plan.taps, plan.block);
  int64_t at = 0;
  const auto place = [&](bool used, int64_t length) {
    const int64_t begin = at;
    if (used) at += round_up(length, static_cast<int64_t>(kAlignment));
    return begin;
  };
  layout.gradient = place(plan.has_pieces(), plan.gradient_elements() * size);
  layout.input = place(plan.weight_pieces, plan.input_elements() * size);
  layout.weight_gradient = place(plan.weight_pieces, plan.weight_elements() * size);
  layout.table = place(plan.has_pieces(), plan.taps * 4);
  layout.columns = place(plan.has_columns(), plan.columns.count * plan.columns.row * size);
  layout.column_input = place(plan.weight_columns, w.C_in * plan.columns.x_row * size);
  layout.column_table = place(plan.has_columns(), plan.columns.count * 4);
  layout.dense = place(layout.copies, w.C_in * plan.taps * bytes);
  layout.weights = place(layout.widens, w.C_in * layout.weights_row * size);
  layout.bias_parts = place(p.wants_bias, p.N * plan.bias_positions.count() * w.C_out * 8);
  layout.bias = place(p.wants_bias, w.C_out * size);
  layout.end = at;
  return layout;
}

ConvGradientWorkspace conv_gradient_workspace(const ConvGradientProblem &problem, const ConvGradientPlan &plan,
                                              const ConvGradientTensors &tensors) {
  const int64_t size = dtype_bytes(compute_dtype(problem.shape.dtype));
  const bool turns = plan.weight_pieces && plan.path == HALOGEN_CONV_PATH_ROWS;
  const int64_t turned = turns ? plan.block * std::max(plan.x_row, kConvTurnedTaps) : 0;
  const int64_t sums = plan.input_pieces ? plan.sums_elements() : 0;
  const int64_t columns = plan.has_columns() ? plan.columns.sums_elements() : 0;
  return {conv_gradient_layout(problem, plan, tensors).end, std::max({turned, sums, columns}) * size};
}

bool conv_gradient_kernel_names(const ConvGradientProblem &problem, const ConvGradientPlan &plan,
                                const ConvGradientTensors &tensors, halogen_isa isa, char *names, size_t size,
                                const char **missing) {
  const Variant variant = variant_of(isa);
  const Dtype dtype = problem.shape.dtype, compute = compute_dtype(dtype);
  const bool rows = plan.path == HALOGEN_CONV_PATH_ROWS;
  KernelNames all(names, size);
  const auto add = [&](auto entry, const char *role) { all.add(entry.name, role); };
  if (problem.wants_bias) add(find_kernel<ConvRole::bias_sums>(dtype, variant), "conv_bias_sums");
  if (conv_gradient_layout(problem, plan, tensors).copies) all.add(strided_copy_name(dtype, variant), "tensor_copy");
  if (plan.has_columns() || plan.has_pieces()) add(find_kernel<ConvRole::pad>(dtype, variant), "conv_pad");
  if (plan.weight_pieces && rows) add(find_kernel<ConvRole::turn>(compute, variant), "conv_turn");
  if (plan.input_pieces && plan.single) {
    add(find_kernel<ConvRole::grad_input_single>(compute, variant), "conv_grad_input_single");
  }
  if ((plan.input_pieces && !plan.single) || plan.weight_columns) {
    add(find_kernel<ConvRole::grad_input>(compute, variant), "conv_grad_input");
  }
  if (plan.weight_pieces && rows) {
    add(find_kernel<ConvRole::grad_weight_rows>(compute, variant), "conv_grad_weight_rows");
  }
  if ((plan.weight_pieces && !rows) || plan.input_columns) {
    add(find_kernel<ConvRole::grad_weight_length>(compute, variant), "conv_grad_weight_length");
  }
  all.add(find_kernel<ConvRole::finish>(dtype, variant).name, "conv_finish");
  *missing = all.missing;
  return all.missing == nullptr;
}

int conv_gradient_clear(Call *call, const ConvGradientProblem &p, const ConvGradientTensors &t) {
  const ConvWeightShape &w = p.shape;
  const Variant variant = variant_of(call->context->options.isa);
  const uint64_t zero = 0;
  const auto cleared = [&](const Strided &to) {
    Strided from = to;
    from.memory = {{kDLCPU, 0}, const_cast<uint64_t *>(&zero), 0};
    std::fill(std::begin(from.stride), std::end(from.stride), 0);
    return strided_copy(call, w.dtype, variant, from, to);
  };
  int code = 0;
  if (p.wants_input && p.N > 0) {
    code = cleared({t.grad_input, 3, {p.N, w.C_in, p.L}, {p.grad_input.n, p.grad_input.c, p.grad_input.l}});
  }
  if (p.wants_weight && code == 0) {
    const ConvWeights &to = t.grad_weight;
    code = cleared({to.memory, 3, {w.C_in, w.group_out(), w.K}, {to.ci, to.co, to.k}});
  }
  if (p.wants_bias && code == 0) code = cleared({t.grad_bias, 1, {w.C_out}, {t.grad_bias_stride}});
  return code;
}

}  // namespace halogen

#include "norm_backward.h"

#include <algorithm>

#include "norm_backward_launch.h"

namespace halogen {
namespace {

using Masked = NormBackwardSteps::Masked;

int64_t channel_sums(const NormProblem &p, const NormPlan &plan) {
  return p.C * (p.per_channel() || plan.each ? 1 : p.N);
}

/// Memory for them; where dx needs none, its coefficients are still computed beside them.
bool takes_sums(const NormBackwardTensors &t, const NormBackwardSteps &steps) {
  return !t.sums.exists && !t.part_sums.exists && (steps.sums || steps.fused || steps.applied);
}

/// Whether the sums of a part, or of all, are copied: an OpenCL tensor's second row need not begin where a kernel's buffer may.
bool copies_sums(const NormProblem &p, const NormBackwardTensors &t) {
  const int64_t row = p.C * static_cast<int64_t>(sizeof(double));
  return (t.sums.exists || t.part_sums.exists) && t.input.device.device_type == kDLOpenCL && norm_padded(row) != row;
}

/// Whether dx may be a multiple of the gradient: with given statistics it does not look at x.
bool scalable(const NormProblem &p, const NormBackwardTensors &t) {
  return t.has_grad_input && !p.own_statistics && !p.gpu;
}

/// Whether anything is computed from the gradient itself, beside grad_residual.
bool uses_gradient(const NormBackwardTensors &t) {
  const bool parameters = t.grad_weight.exists || t.grad_bias.exists;
  return t.has_grad_input || t.part_sums.exists || (parameters && !t.sums.exists);
}

/// Statistics that are recomputed: the problem of it, on tensors whose output is not written.
NormProblem statistics_problem(const NormProblem &p) {
  NormProblem forward = p;
  forward.backward = forward.epilogue = forward.masked = forward.in_place = false;
  forward.y = forward.residual = p.x;
  return forward;
}

NormPlan statistics_plan(const NormProblem &forward) {
  NormPlan plan;
  norm_plan(forward, HALOGEN_NORM_PATH_SPLIT, {0, 0}, HALOGEN_STORES_CACHED, &plan);
  return plan;
}

/// Memory taken piece by piece.
class Pieces {
 public:
  explicit Pieces(const Memory &memory) : memory_(memory) {}

  Memory take(int64_t bytes) {
    const Memory piece = memory_.at(used_, 1);
    used_ += norm_padded(bytes);
    return piece;
  }

 private:
  Memory memory_;
  int64_t used_ = 0;
};

class Runner {
 public:
  Runner(Call *call, const NormProblem &problem, const NormPlan &plan, const NormBackwardTensors &tensors,
         const NormBackwardScalars &scalars)
      : call_(call),
        launch_(call, problem, plan, tensors, scalars),
        p_(problem),
        plan_(plan),
        t_(tensors),
        scalars_(scalars),
        steps_(norm_backward_steps(problem, plan, tensors, scalars)),
        scratch_(call, tensors.input.device),
        converted_(call, tensors.input.device) {}

  int run() {
    const int64_t bytes = norm_backward_workspace_bytes(p_, plan_, t_, steps_);
    if (bytes > 0 && !scratch_.acquire(bytes)) return halide_error_code_out_of_memory;
    Pieces pieces(scratch_.memory());
    int code = launch_.convert(&weight_, &statistics_, &converted_);
    const bool values = p_.values() > 0;
    if (code == 0 && values) code = gradient(&pieces);
    if (code == 0 && steps_.recomputes) code = recompute(&pieces);
    if (code == 0 && steps_.given) code = given(&pieces);
    if (code == 0) code = sum(&pieces);
    if (code == 0 && steps_.applied && values) code = apply(&pieces);
    if (code == 0 && steps_.scaled) {
      code = each_pass([&](const Pass &pass) { return launch_.scale(pass, dy_, weight_, statistics_); });
    }
    return code != 0 || !steps_.gradients ? code : gradients(&pieces);
  }

 private:
  int64_t compute_bytes() const { return dtype_bytes(compute_dtype(p_.dtype)); }

  template <class Body>
  int each_pass(const Body &body) {
    int code = 0;
    for (int64_t n = 0; n < p_.N && code == 0; n += plan_.samples)
      code = body(Pass{n, std::min(plan_.samples, p_.N - n)});
    return code;
  }

  /// The gradient that all others are computed from.
  int gradient(Pieces *pieces) {
    dy_ = t_.grad_output;
    switch (steps_.masked) {
      case Masked::none:
      case Masked::in_kernels:
        return 0;
      case Masked::grad_residual:
        dy_ = t_.grad_residual;
        return launch_.mask(dy_, t_.grad_residual_strides);
      case Masked::grad_input:
        dy_ = t_.grad_input;
        return launch_.mask(dy_, p_.y);
      case Masked::workspace:
        dy_ = pieces->take(p_.values() * dtype_bytes(p_.dtype));
        return launch_.mask(dy_, p_.residual);
    }
    return 0;
  }

  int recompute(Pieces *pieces) {
    const int64_t bytes = norm_sets(p_) * compute_bytes();
    statistics_ = {pieces->take(bytes), pieces->take(bytes), pieces->take(bytes), true, false};
    const NormProblem forward = statistics_problem(p_);
    NormTensors tensors = {};
    tensors.input = tensors.output = t_.input;
    return norm_statistics(call_, forward, statistics_plan(forward), tensors,
                           {statistics_.hi, statistics_.lo, statistics_.spread, true});
  }

  /// Statistics from the call's moments.
  int given(Pieces *pieces) {
    const int64_t bytes = p_.C * compute_bytes();
    statistics_ = {pieces->take(bytes), pieces->take(bytes), pieces->take(bytes), true, false};
    return launch_.given(statistics_, pieces->take(bytes));
  }

  int sum(Pieces *pieces) {
    const int64_t bytes = channel_sums(p_, plan_) * static_cast<int64_t>(sizeof(double));
    const bool copied = steps_.copied;
    if (copied || takes_sums(t_, steps_)) sums_ = {pieces->take(bytes), pieces->take(bytes)};
    for (const Vector *v : {&t_.sums, &t_.part_sums}) {
      if (v->exists && !copied) sums_ = {v->memory, v->memory.at(p_.C, sizeof(double))};
    }
    if (!copied) return compute_sums(pieces);
    const Memory unused = pieces->take(2 * bytes);
    const int64_t row = norm_padded(bytes) / static_cast<int64_t>(sizeof(double));
    if (t_.sums.exists) return launch_.copy_sums(t_.sums.memory, p_.C, sums_.first, row, unused);
    const int code = compute_sums(pieces);
    return code != 0 ? code : launch_.copy_sums(sums_.first, row, t_.part_sums.memory, p_.C, unused);
  }

  int compute_sums(Pieces *pieces) {
    if (!steps_.sums && !steps_.fused) return 0;
    if (p_.values() == 0) return launch_.no_sums(sums_);
    if (plan_.each && steps_.fused) return fused_each(pieces);
    if (steps_.fused) {
      return each_pass([&](const Pass &pass) { return launch_.fused(pass, dy_, weight_, statistics_, sums_); });
    }
    const int64_t block_bytes = norm_blocks(p_, plan_).count() * static_cast<int64_t>(sizeof(double));
    const PairMemory blocks = {pieces->take(block_bytes), pieces->take(block_bytes)};
    const auto partial = [&](const Pass &pass) { return launch_.sums(pass, dy_, statistics_.hi, blocks); };
    if (p_.per_channel()) {
      const int code = each_pass(partial);
      return code != 0 ? code : launch_.merge({0, p_.N}, blocks, sums_);
    }
    return each_pass([&](const Pass &pass) {
      const int code = partial(pass);
      return code != 0 ? code : launch_.merge(pass, blocks, sums_);
    });
  }

  /// dx, and what the parameters' gradients are from chunk by chunk, put together.
  int fused_each(Pieces *pieces) {
    const int64_t bytes = columns() * static_cast<int64_t>(sizeof(double));
    const PairMemory chunks = {pieces->take(bytes), pieces->take(bytes)};
    const int code = each_pass([&](const Pass &pass) {
      return launch_.fused_each(pass, dy_, weight_, statistics_, steps_.gradients, chunks);
    });
    return code != 0 || !steps_.gradients ? code : launch_.merge_columns(chunks, sums_);
  }

  int64_t columns() const { return norm_chunks(p_, plan_) * p_.C; }

  int apply(Pieces *pieces) {
    const int64_t channels = channel_sums(p_, plan_) * compute_bytes(), sets = norm_sets(p_) * compute_bytes();
    const Coefficients by = {pieces->take(channels), pieces->take(sets), pieces->take(sets), pieces->take(sets)};
    int code = launch_.coefficients(sums_, weight_, statistics_, by);
    if (code == 0) code = each_pass([&](const Pass &pass) { return launch_.apply(pass, dy_, statistics_, by); });
    // What follows need not find it again for every channel.
    statistics_.spread = by.rstd;
    statistics_.is_rstd = true;
    return code;
  }

  int gradients(Pieces *pieces) {
    // What is not asked for goes nowhere, but needs a place to go to.
    Vector weight = t_.grad_weight, bias = t_.grad_bias;
    const Dtype dtype = weight.exists ? weight.dtype : bias.dtype;
    for (Vector *v : {&weight, &bias}) {
      if (!v->exists) *v = {pieces->take(p_.C * dtype_bytes(dtype)), dtype, true};
    }
    return norm_merges_columns(plan_, steps_) ? launch_.columns_are(sums_, weight, bias)
                                              : launch_.gradients(sums_, statistics_, weight, bias);
  }

  Call *call_;
  NormBackwardLaunch launch_;
  const NormProblem &p_;
  const NormPlan &plan_;
  const NormBackwardTensors &t_;
  const NormBackwardScalars &scalars_;
  const NormBackwardSteps steps_;
  Scratch scratch_, converted_;
  Memory dy_{}, weight_{};
  Spreads statistics_{};
  PairMemory sums_{};
};

}  // namespace

Masked norm_masked(const NormProblem &p, const NormBackwardTensors &t, const NormBackwardScalars &scalars) {
  if (t.has_grad_residual) return Masked::grad_residual;
  if (!scalars.activates || !uses_gradient(t)) return Masked::none;
  if (!scalable(p, t)) return Masked::in_kernels;
  return t.has_grad_input && !t.on_input ? Masked::grad_input : Masked::workspace;
}

NormBackwardSteps norm_backward_steps(const NormProblem &p, const NormPlan &plan, const NormBackwardTensors &t,
                                      const NormBackwardScalars &scalars) {
  NormBackwardSteps steps = {};
  const bool parameters = t.grad_weight.exists || t.grad_bias.exists, dx = t.has_grad_input;
  steps.masked = norm_masked(p, t, scalars);
  const bool fusable = plan.path != HALOGEN_NORM_PATH_SPLIT;
  const bool only_scaled = scalable(p, t) && !(parameters && fusable);
  steps.given = t.moments.exists && (parameters || dx || t.part_sums.exists);
  steps.recomputes = p.own_statistics && !t.mean.exists && !t.moments.exists && (parameters || dx);
  steps.scaled = only_scaled;
  steps.fused = dx && !only_scaled && fusable;
  steps.applied = dx && !only_scaled && !fusable;
  steps.sums = !steps.fused && !t.sums.exists && (parameters || t.part_sums.exists || (dx && p.own_statistics));
  steps.gradients = parameters;
  steps.copied = copies_sums(p, t);
  return steps;
}

bool norm_statistics_across(const NormProblem &p) { return statistics_plan(statistics_problem(p)).across; }

int64_t norm_backward_workspace_bytes(const NormProblem &p, const NormPlan &plan, const NormBackwardTensors &t,
                                      const NormBackwardSteps &steps) {
  const int64_t compute = dtype_bytes(compute_dtype(p.dtype)), doubles = sizeof(double);
  int64_t bytes = 0;
  if (steps.masked == Masked::workspace) bytes += norm_padded(p.values() * dtype_bytes(p.dtype));
  if (steps.recomputes) bytes += 3 * norm_padded(norm_sets(p) * compute);
  if (steps.given) bytes += 4 * norm_padded(p.C * compute);
  if (takes_sums(t, steps)) bytes += 2 * norm_padded(channel_sums(p, plan) * doubles);
  if (plan.each && steps.fused) bytes += 2 * norm_padded(norm_chunks(p, plan) * p.C * doubles);
  if (steps.copied) bytes += 2 * norm_padded(p.C * doubles) + norm_padded(2 * p.C * doubles);
  if (steps.sums && p.values() > 0) bytes += 2 * norm_padded(norm_blocks(p, plan).count() * doubles);
  if (steps.applied) bytes += norm_padded(channel_sums(p, plan) * compute) + 3 * norm_padded(norm_sets(p) * compute);
  // One of the parameters' gradients may not be asked for.
  return steps.gradients ? bytes + norm_padded(p.C * compute) : bytes;
}

int norm_backward_of_nothing(Call *call, const NormProblem &problem, const NormBackwardTensors &t) {
  // Whatever the scope, sums of channels.
  NormProblem channels = problem;
  channels.scope = HALOGEN_NORM_SCOPE_BATCH;
  const NormPlan plan = {};
  const NormBackwardScalars scalars = {};
  NormBackwardLaunch launch(call, channels, plan, t, scalars);
  const int64_t bytes = problem.C * static_cast<int64_t>(sizeof(double));
  Scratch scratch(call, t.input.device);
  if (!scratch.acquire(3 * norm_padded(bytes))) return halide_error_code_out_of_memory;
  Pieces pieces(scratch.memory());
  const PairMemory sums = {pieces.take(bytes), pieces.take(bytes)};
  Vector weight = t.grad_weight, bias = t.grad_bias;
  for (Vector *v : {&weight, &bias}) {
    if (!v->exists) *v = {pieces.take(bytes), weight.exists ? weight.dtype : bias.dtype, true};
  }
  const int code = launch.no_sums(sums);
  // The sums' zeros serve as reciprocal deviations.
  return code != 0 ? code : launch.gradients(sums, {sums.first, sums.first, sums.first, false, true}, weight, bias);
}

int norm_backward_run(Call *call, const NormProblem &problem, const NormPlan &plan, const NormBackwardTensors &tensors,
                      const NormBackwardScalars &scalars) {
  return Runner(call, problem, plan, tensors, scalars).run();
}

}  // namespace halogen

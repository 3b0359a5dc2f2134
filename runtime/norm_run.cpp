#include "norm_run.h"

#include <algorithm>

#include "norm_launch.h"
#include "scratch.h"

namespace halogen {
namespace {

class Runner {
 public:
  Runner(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
         const NormScalars &scalars)
      : launch_(call, problem, plan, tensors, scalars),
        p_(problem),
        plan_(plan),
        t_(tensors),
        statistics_(call, tensors.input.device),
        blocks_(call, tensors.input.device),
        converted_(call, tensors.input.device) {}

  int run() {
    Statistics given;
    int code = launch_.convert(&parameters_, &given, &converted_);
    if (code != 0) return code;
    if (t_.moments.exists) return by_moments();
    if (!p_.own_statistics) {
      return each_pass([&](const Pass &pass) { return launch_.apply(pass, parameters_, given); });
    }
    const int64_t vector = norm_padded(norm_sets(p_) * dtype_bytes(compute_dtype(p_.dtype)));
    if (!statistics_.acquire(3 * vector)) return halide_error_code_out_of_memory;
    const Memory base = statistics_.memory();
    const Statistics own = {base, base.at(vector, 1), base.at(2 * vector, 1), true};
    code = plan_.path == HALOGEN_NORM_PATH_SPLIT
               ? split(own)
               : each_pass([&](const Pass &pass) { return launch_.fused(pass, parameters_, own); });
    if (code == 0 && t_.saved_mean.exists) code = launch_.save(own);
    return code != 0 || !t_.running_mean.exists ? code : launch_.running(own);
  }

  /// The input's own statistics and nothing else, by a plan that splits.
  int only_statistics(const Statistics &own) {
    return statistics(own, [](const Pass &) { return 0; });
  }

  int moments(const Memory &to) {
    PairMemory blocks;
    if (!acquire_blocks(&blocks)) return halide_error_code_out_of_memory;
    const int code = each_pass([&](const Pass &pass) { return launch_.partial(pass, blocks); });
    return code != 0 ? code : launch_.moments(blocks, to);
  }

 private:
  template <class Body>
  int each_pass(const Body &body) {
    int code = 0;
    for (int64_t n = 0; n < p_.N && code == 0; n += plan_.samples)
      code = body(Pass{n, std::min(plan_.samples, p_.N - n)});
    return code;
  }

  int by_moments() {
    const int64_t vector = norm_padded(p_.C * dtype_bytes(compute_dtype(p_.dtype)));
    if (!statistics_.acquire(4 * vector)) return halide_error_code_out_of_memory;
    const Memory base = statistics_.memory(), running_var = base.at(3 * vector, 1);
    const Statistics given = {base, base.at(vector, 1), base.at(2 * vector, 1), true};
    int code = launch_.given(given, running_var);
    // An empty part has statistics all the same.
    if (code == 0 && p_.values() > 0) {
      code = each_pass([&](const Pass &pass) { return launch_.apply(pass, parameters_, given); });
    }
    if (code == 0 && t_.saved_mean.exists) code = launch_.save(given);
    return code != 0 || !t_.running_mean.exists ? code : launch_.running(given, running_var, 1);
  }

  bool acquire_blocks(PairMemory *blocks) {
    const int64_t bytes = norm_padded(norm_blocks(p_, plan_).count() * static_cast<int64_t>(sizeof(double)));
    const bool acquired = blocks_.acquire(2 * bytes);
    if (acquired) *blocks = {blocks_.memory(), blocks_.memory().at(bytes, 1)};
    return acquired;
  }

  /// Statistics by blocks, merged, then applied. Where they are per channel the blocks of all passes are merged together.
  int split(const Statistics &own) {
    return statistics(own, [&](const Pass &pass) { return launch_.apply(pass, parameters_, own); });
  }

  template <class Then>
  int statistics(const Statistics &own, const Then &then) {
    PairMemory blocks;
    if (!acquire_blocks(&blocks)) return halide_error_code_out_of_memory;
    if (p_.per_channel()) {
      int code = each_pass([&](const Pass &pass) { return launch_.partial(pass, blocks); });
      if (code == 0) code = launch_.merge({0, p_.N}, blocks, own);
      return code != 0 ? code : each_pass(then);
    }
    return each_pass([&](const Pass &pass) {
      int code = launch_.partial(pass, blocks);
      if (code == 0) code = launch_.merge(pass, blocks, own);
      return code != 0 ? code : then(pass);
    });
  }

  NormLaunch launch_;
  const NormProblem &p_;
  const NormPlan &plan_;
  const NormTensors &t_;
  Scratch statistics_, blocks_, converted_;
  Parameters parameters_{};
};

}  // namespace

int norm_statistics(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
                    const Statistics &own) {
  const NormScalars scalars = {};
  return Runner(call, problem, plan, tensors, scalars).only_statistics(own);
}

int norm_moments(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
                 const Memory &moments) {
  const NormScalars scalars = {};
  return Runner(call, problem, plan, tensors, scalars).moments(moments);
}

int norm_join(Call *call, const Memory &from, int64_t parts, int64_t channels, const Memory &moments) {
  // Of no parts there need be no memory.
  const Memory &memory = parts > 0 ? from : moments;
  Buffer all(memory, kDoubleType, {dim(channels, 1), dim(3, channels), dim(parts, 3 * channels)});
  Buffer joined(moments, kDoubleType, {dim(channels, 1), dim(3, channels)});
  const Variant variant = norm_variant(from.device.device_type != kDLCPU, call->context->options.isa);
  return find_kernel<NormRole::join>(Dtype::f64, variant).function(call, all, joined);
}

int norm_run(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
             const NormScalars &scalars) {
  return Runner(call, problem, plan, tensors, scalars).run();
}

int norm_prepare(Call *call, const DLDevice &device) {
  Scratch scratch(call, device);
  if (!scratch.acquire(4 * norm_padded(1))) return halide_error_code_out_of_memory;
  const Memory memory = scratch.memory();
  const auto part = [&](int i) { return memory.at(i * norm_padded(1), 1); };
  NormProblem problem = {};
  problem.N = problem.C = 1;
  problem.S = 64;
  problem.x = problem.y = problem.residual = {64, 64, 1};
  problem.scope = HALOGEN_NORM_SCOPE_BATCH;
  problem.groups = 1;
  problem.own_statistics = problem.gpu = true;
  NormTensors tensors = {};
  tensors.input = part(0);
  tensors.output = part(1);
  tensors.running_mean = {part(2), Dtype::f32, true};
  tensors.running_var = {part(3), Dtype::f32, true};
  for (const bool channel_last : {false, true}) {
    problem.channel_last = channel_last;
    if (channel_last) problem.x = problem.y = problem.residual = {64, 1, 1};
    NormPlan plan;
    if (!norm_plan(problem, HALOGEN_NORM_PATH_AUTO, {0, 0}, HALOGEN_STORES_CACHED, &plan))
      return halide_error_code_internal_error;
    const int code = norm_run(call, problem, plan, tensors, {1.0, 0.5, true, 1.0});
    if (code != 0) return code;
  }
  return 0;
}

}  // namespace halogen

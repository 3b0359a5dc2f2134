#include "norm_run.h"

#include <algorithm>
#include <cstdio>

#include "norm_launch.h"
#include "scratch.h"

namespace halogen {
namespace {

/// One pass of kernels over `samples` samples.
struct Pass {
  int64_t first, samples;
};

class Runner {
 public:
  Runner(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
         const NormScalars &scalars)
      : launch_(call, problem, plan, tensors, scalars),
        p_(problem),
        plan_(plan),
        t_(tensors),
        scratch_(call, tensors.input.device),
        blocks_(call, tensors.input.device) {}

  int run() {
    if (!p_.own_statistics) {
      const Statistics given = {t_.mean, t_.mean, t_.var, false};
      return each_pass([&](const Pass &pass) { return apply(pass, given); });
    }
    const int64_t sets = set_index(p_.N);
    const int64_t vector = norm_padded(sets * 4);
    if (!scratch_.acquire(3 * vector)) return halide_error_code_out_of_memory;
    const Memory base = scratch_.memory();
    const Statistics own = {base, base.at(vector, 1), base.at(2 * vector, 1), true};
    const int code = plan_.path == HALOGEN_NORM_PATH_SPLIT ? split(own) : each_pass([&](const Pass &pass) {
      return plan_.path == HALOGEN_NORM_PATH_ROW ? fused_row(pass, own.at(set_index(pass.first)))
                                                 : launch_.fused_slab(own);
    });
    if (code != 0 || t_.running_mean.base == nullptr) return code;
    return launch_.running(own);
  }

 private:
  template <class Body>
  int each_pass(const Body &body) {
    int code = 0;
    for (int64_t n = 0; n < p_.N && code == 0; n += plan_.samples)
      code = body(Pass{n, std::min(plan_.samples, p_.N - n)});
    return code;
  }

  bool batch() const { return p_.own_statistics && p_.scope == HALOGEN_NORM_SCOPE_BATCH; }
  int64_t set_index(int64_t sample) const {
    return batch() ? (sample > 0 ? p_.C : 0) : sample * (p_.scope == HALOGEN_NORM_SCOPE_GROUP ? p_.groups : p_.C);
  }
  Memory data(const Memory &memory, const Pass &pass) const { return memory.at(pass.first * p_.C * p_.S, 4); }

  int fused_row(const Pass &pass, const Statistics &own) {
    const Memory x = data(t_.input, pass), y = data(t_.output, pass);
    const NormView v = norm_view(p_, pass.samples);
    return launch_.fused_row(v, x, y, own);
  }

  int apply(const Pass &pass, const Statistics &st) {
    if (plan_.path == HALOGEN_NORM_PATH_SLAB) return launch_.apply_slab(st);
    const NormOrder o = norm_order(p_, pass.samples);
    const Memory x = data(t_.input, pass), y = data(t_.output, pass);
    return launch_.apply_row(o, x, y, st);
  }

  /// Statistics by blocks, merged, then applied. With scope batch the blocks of all passes are merged together.
  int split(const Statistics &own) {
    const NormView whole = norm_view(p_, batch() ? p_.N : plan_.samples);
    const NormBlocks count = norm_blocks(plan_, whole);
    const int64_t bytes = norm_padded(count.s * count.r * whole.g * 8);
    if (!blocks_.acquire(2 * bytes)) return halide_error_code_out_of_memory;
    const BlockMemory blocks = {blocks_.memory(), blocks_.memory().at(bytes, 1), count.s, count.r};
    const auto partial = [&](const Pass &pass) {
      const NormView v = norm_view(p_, pass.samples);
      const int64_t first = batch() ? pass.first / plan_.block_r : 0;
      return launch_.partial(v, data(t_.input, pass), blocks.from(first), norm_blocks(plan_, v).r);
    };
    if (batch()) {
      int code = each_pass(partial);
      if (code == 0) code = launch_.merge(whole, blocks, count.r, own);
      return code != 0 ? code : each_pass([&](const Pass &pass) { return apply(pass, own); });
    }
    return each_pass([&](const Pass &pass) {
      const Statistics st = own.at(set_index(pass.first));
      int code = partial(pass);
      if (code == 0) code = launch_.merge(norm_view(p_, pass.samples), blocks, count.r, st);
      return code != 0 ? code : apply(pass, st);
    });
  }

  NormLaunch launch_;
  const NormProblem &p_;
  const NormPlan &plan_;
  const NormTensors &t_;
  Scratch scratch_, blocks_;
};

}  // namespace

bool norm_kernel_names(const NormProblem &problem, const NormPlan &plan, bool running, halogen_isa isa, char *names,
                       size_t size, const char **missing) {
  const Variant variant =
      problem.gpu ? (gpu_device_type() == kDLCUDA ? Variant::cuda : Variant::opencl) : variant_of(isa);
  size_t used = 0;
  bool complete = true;
  names[0] = '\0';
  const auto add = [&](auto entry, const char *kernel) {
    if (entry.function == nullptr) {
      complete = false;
      *missing = kernel;
    } else if (used < size) {
      used += static_cast<size_t>(std::snprintf(names + used, size - used, "%s%s", used > 0 ? " " : "", entry.name));
    }
  };
#define HALOGEN_ADD(kernel) add(norm_kernel<NormKernel::kernel>(variant), #kernel)
  const auto add_row_or_stream = [&](bool fused) {
    if (plan.stream) {
      fused ? HALOGEN_ADD(norm_fused_f32_cs_stream) : HALOGEN_ADD(norm_apply_f32_cs_stream);
    } else {
      fused ? HALOGEN_ADD(norm_fused_f32_cs_row) : HALOGEN_ADD(norm_apply_f32_cs_row);
    }
  };
  const bool slab = plan.path == HALOGEN_NORM_PATH_SLAB;
  if (!problem.own_statistics) {
    slab ? HALOGEN_ADD(norm_apply_f32_cs_slab) : add_row_or_stream(false);
  } else if (plan.path == HALOGEN_NORM_PATH_SPLIT) {
    HALOGEN_ADD(norm_partial_f32_cs_row);
    HALOGEN_ADD(norm_merge_f32);
    add_row_or_stream(false);
  } else {
    slab ? HALOGEN_ADD(norm_fused_f32_cs_slab) : add_row_or_stream(true);
  }
  if (running) HALOGEN_ADD(norm_running_f32);
#undef HALOGEN_ADD
  return complete;
}

int norm_run(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
             const NormScalars &scalars) {
  return Runner(call, problem, plan, tensors, scalars).run();
}

int norm_prepare(Call *call, const DLDevice &device) {
  Scratch scratch(call, device);
  if (!scratch.acquire(4 * norm_padded(1))) return halide_error_code_out_of_memory;
  const Memory memory = scratch.memory(), none = {device, nullptr, 0};
  const auto part = [&](int i) { return memory.at(i * norm_padded(1), 1); };
  const NormProblem problem = {1, 1, 2, HALOGEN_NORM_SCOPE_BATCH, 1, true, true, false, false};
  const NormTensors tensors = {part(0), part(1), none, none, none, none, part(2), part(3)};
  NormPlan plan;
  if (!norm_plan(problem, HALOGEN_NORM_PATH_AUTO, {0, 0}, HALOGEN_STORES_CACHED, &plan))
    return halide_error_code_internal_error;
  return norm_run(call, problem, plan, tensors, {1.0, 0.5, true});
}

}  // namespace halogen

#include "norm_run.h"

#include <algorithm>
#include <cstdio>

#include "norm_kernels.h"

namespace halogen {
namespace {

const halide_type_t kFloat(halide_type_float, 32);
const halide_type_t kDouble(halide_type_float, 64);

/// Memory for statistics, on the tensors' device.
class Scratch {
 public:
  Scratch(Call *call, const DLDevice &device) : call_(call), device_(device) {}
  ~Scratch() {
    call_->context->workspace.release(host_);
    call_->context->gpu.release(block_);
  }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;

  bool acquire(int64_t bytes) {
    if (device_.device_type == kDLCPU) {
      host_ = call_->context->workspace.acquire(static_cast<size_t>(bytes));
      if (host_ == nullptr) call_->note(HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for statistics");
      return host_ != nullptr;
    }
    block_ = call_->context->gpu.acquire(call_, static_cast<size_t>(bytes));
    return block_ != nullptr;
  }

  Memory memory() const {
    if (block_ == nullptr) return {device_, host_, 0};
    if (device_.device_type == kDLOpenCL) {
      const auto *handle = reinterpret_cast<const OpenClMemory *>(block_->buffer.device);
      return {device_, handle->mem, handle->offset};
    }
    return {device_, reinterpret_cast<void *>(block_->buffer.device), 0};
  }

 private:
  Call *call_;
  DLDevice device_;
  void *host_ = nullptr;
  DeviceBlock *block_ = nullptr;
};

/// mean_hi, mean_lo and var of consecutive sets.
struct Statistics {
  Memory hi, lo, var;
  bool has_lo;

  Statistics at(int64_t set) const { return {hi.at(set, 4), lo.at(set, 4), var.at(set, 4), has_lo}; }
};

/// One pass of kernels over `samples` samples.
struct Pass {
  int64_t first, samples;
};

class Runner {
 public:
  Runner(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
         const NormScalars &scalars)
      : call_(call),
        p_(problem),
        plan_(plan),
        t_(tensors),
        scalars_(scalars),
        scratch_(call, tensors.input.device),
        blocks_(call, tensors.input.device),
        variant_(problem.gpu ? (gpu_device_type() == kDLCUDA ? Variant::cuda : Variant::opencl)
                             : variant_of(call->context->options.isa)) {}

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
      return plan_.path == HALOGEN_NORM_PATH_ROW ? fused_row(pass, own.at(set_index(pass.first))) : fused_slab(own);
    });
    if (code != 0 || t_.running_mean.base == nullptr) return code;
    return running(own);
  }

 private:
  template <NormKernel kernel, class... Arguments>
  int launch(Arguments &&...arguments) {
    return norm_kernel<kernel>(variant_).function(call_, arguments...);
  }

  template <class Body>
  int each_pass(const Body &body) {
    int code = 0;
    for (int64_t n = 0; n < p_.N && code == 0; n += plan_.samples)
      code = body(Pass{n, std::min(plan_.samples, p_.N - n)});
    return code;
  }

  bool in_place() const { return t_.input.address() == t_.output.address(); }
  bool batch() const { return p_.own_statistics && p_.scope == HALOGEN_NORM_SCOPE_BATCH; }
  int64_t set_index(int64_t sample) const {
    return batch() ? (sample > 0 ? p_.C : 0) : sample * (p_.scope == HALOGEN_NORM_SCOPE_GROUP ? p_.groups : p_.C);
  }
  Memory data(const Memory &memory, const Pass &pass) const { return memory.at(pass.first * p_.C * p_.S, 4); }

  Buffer rows(const Memory &memory, const NormView &v) const {
    return Buffer(memory, kFloat, {dim(v.s, 1), dim(v.r, v.row_stride), dim(v.g, v.set_stride), dim(1, v.set_stride)});
  }
  /// Weight or bias as (r, g); an absent one is never read, but must be memory.
  Buffer parameters(const Memory &memory, const NormView &v) const {
    const bool given = memory.base != nullptr;
    return Buffer(given ? memory : t_.input, kFloat,
                  {dim(v.parameter_rows, given ? 1 : 0), dim(v.parameter_sets, given ? v.parameter_rows : 0)});
  }
  static Buffer sets(const Memory &memory, int64_t count) {
    return Buffer(memory, kFloat, {dim(count, 1), dim(1, count)});
  }

  int fused_row(const Pass &pass, const Statistics &own) {
    const NormView v = norm_view(p_, pass.samples);
    Buffer x = rows(data(t_.input, pass), v), y = rows(data(t_.output, pass), v);
    Buffer weight = parameters(t_.weight, v), bias = parameters(t_.bias, v);
    Buffer hi = sets(own.hi, v.g), lo = sets(own.lo, v.g), var = sets(own.var, v.g);
    return launch<NormKernel::norm_fused_f32_cs_row>(x, weight, bias, t_.weight.base != nullptr,
                                                     t_.bias.base != nullptr, scalars_.eps, plan_.block_s,
                                                     plan_.block_r, plan_.sets_per_task, hi, lo, var, y);
  }

  /// Slabs of `slab` channels in one launch, the channels that are left in another: body(first channel, slab, slabs).
  template <class Body>
  int each_slab(const Body &body) {
    const int64_t slab = plan_.slab, slabs = p_.C / slab, left = p_.C % slab;
    const int code = body(int64_t{0}, slab, slabs);
    return code != 0 || left == 0 ? code : body(slabs * slab, left, int64_t{1});
  }
  Buffer slabs(const Memory &memory, int64_t channel, int64_t slab, int64_t count) const {
    return Buffer(memory.at(channel * p_.S, 4), kFloat,
                  {dim(slab * p_.S, 1), dim(p_.N, p_.C * p_.S), dim(count, slab * p_.S)});
  }
  Buffer channels(const Memory &memory, int64_t channel, int64_t slab, int64_t count) const {
    if (memory.base == nullptr) return Buffer(t_.input, kFloat, {dim(slab, 0), dim(count, 0)});
    return Buffer(memory.at(channel, 4), kFloat, {dim(slab, 1), dim(count, slab)});
  }

  int fused_slab(const Statistics &own) {
    return each_slab([&](int64_t channel, int64_t slab, int64_t count) {
      Buffer x = slabs(t_.input, channel, slab, count), y = slabs(t_.output, channel, slab, count);
      Buffer weight = channels(t_.weight, channel, slab, count), bias = channels(t_.bias, channel, slab, count);
      Buffer hi = channels(own.hi, channel, slab, count), lo = channels(own.lo, channel, slab, count);
      Buffer var = channels(own.var, channel, slab, count);
      return launch<NormKernel::norm_fused_f32_cs_slab>(x, weight, bias, t_.weight.base != nullptr,
                                                        t_.bias.base != nullptr, scalars_.eps,
                                                        static_cast<int32_t>(p_.S), plan_.block_r, hi, lo, var, y);
    });
  }

  int apply(const Pass &pass, const Statistics &st) {
    if (plan_.path == HALOGEN_NORM_PATH_SLAB) return apply_slab(st);
    const NormOrder o = norm_order(p_, pass.samples);
    const auto data_of = [&](const Memory &memory) {
      return Buffer(data(memory, pass), kFloat,
                    {dim(o.s, 1), dim(o.r, o.s), dim(o.g, o.r * o.s), dim(o.b, o.g * o.r * o.s)});
    };
    const auto parameters_of = [&](const Memory &memory) {
      if (memory.base == nullptr) return Buffer(t_.input, kFloat, {dim(o.r, 0), dim(o.g, 0)});
      return Buffer(memory, kFloat, {dim(o.r, 1), dim(o.g, o.r)});
    };
    const auto statistics_of = [&](const Memory &memory) {
      return Buffer(memory, kFloat, {dim(o.g, 1), dim(o.statistics, o.g)});
    };
    Buffer x = data_of(t_.input), y = data_of(t_.output);
    Buffer weight = parameters_of(t_.weight), bias = parameters_of(t_.bias);
    Buffer hi = statistics_of(st.hi), lo = statistics_of(st.lo), var = statistics_of(st.var);
    return launch<NormKernel::norm_apply_f32_cs_row>(x, hi, lo, var, weight, bias, st.has_lo, t_.weight.base != nullptr,
                                                     t_.bias.base != nullptr, scalars_.eps, in_place(),
                                                     plan_.apply_sets, plan_.apply_samples, y);
  }

  int apply_slab(const Statistics &st) {
    return each_slab([&](int64_t channel, int64_t slab, int64_t count) {
      Buffer x = slabs(t_.input, channel, slab, count), y = slabs(t_.output, channel, slab, count);
      Buffer weight = channels(t_.weight, channel, slab, count), bias = channels(t_.bias, channel, slab, count);
      Buffer hi = channels(st.hi, channel, slab, count), lo = channels(st.lo, channel, slab, count);
      Buffer var = channels(st.var, channel, slab, count);
      return launch<NormKernel::norm_apply_f32_cs_slab>(
          x, hi, lo, var, weight, bias, st.has_lo, t_.weight.base != nullptr, t_.bias.base != nullptr, scalars_.eps,
          static_cast<int32_t>(p_.S), plan_.rows_per_task, y);
    });
  }

  /// Statistics by blocks, merged, then applied. With scope batch the blocks of all passes are merged together.
  int split(const Statistics &own) {
    const NormView whole = norm_view(p_, batch() ? p_.N : plan_.samples);
    const int64_t ks = (whole.s + plan_.block_s - 1) / plan_.block_s,
                  kr = (whole.r + plan_.block_r - 1) / plan_.block_r;
    const int64_t count = norm_padded(ks * kr * whole.g * 8);
    if (!blocks_.acquire(2 * count)) return halide_error_code_out_of_memory;
    const Memory mean = blocks_.memory(), m2 = mean.at(count, 1);
    const auto view_of = [&](const Memory &memory, int64_t first, int64_t extent, int64_t sets) {
      return Buffer(memory.at(first * ks, 8), kDouble,
                    {dim(ks, 1), dim(extent, ks), dim(sets, ks * kr), dim(1, ks * kr)});
    };
    const auto partial = [&](const Pass &pass) {
      const NormView v = norm_view(p_, pass.samples);
      Buffer x = rows(data(t_.input, pass), v);
      const int64_t first = batch() ? pass.first / plan_.block_r : 0;
      const int64_t extent = (v.r + plan_.block_r - 1) / plan_.block_r;
      Buffer to_mean = view_of(mean, first, extent, v.g), to_m2 = view_of(m2, first, extent, v.g);
      return launch<NormKernel::norm_partial_f32_cs_row>(x, plan_.block_s, plan_.block_r, plan_.blocks_per_task,
                                                         to_mean, to_m2);
    };
    const auto merge = [&](const Statistics &st, int64_t sets_here) {
      Buffer from_mean = view_of(mean, 0, kr, sets_here), from_m2 = view_of(m2, 0, kr, sets_here);
      Buffer hi = sets(st.hi, sets_here), lo = sets(st.lo, sets_here), var = sets(st.var, sets_here);
      return launch<NormKernel::norm_merge_f32>(from_mean, from_m2, static_cast<int32_t>(whole.s),
                                                static_cast<int32_t>(whole.r), plan_.block_s, plan_.block_r, hi, lo,
                                                var);
    };
    if (batch()) {
      int code = each_pass(partial);
      if (code == 0) code = merge(own, whole.g);
      return code != 0 ? code : each_pass([&](const Pass &pass) { return apply(pass, own); });
    }
    return each_pass([&](const Pass &pass) {
      const Statistics st = own.at(set_index(pass.first));
      int code = partial(pass);
      if (code == 0) code = merge(st, norm_view(p_, pass.samples).g);
      return code != 0 ? code : apply(pass, st);
    });
  }

  int running(const Statistics &own) {
    const int64_t repeats = batch() ? 1 : p_.N;
    const double values = static_cast<double>(p_.S) * static_cast<double>(batch() ? p_.N : 1);
    const auto view_of = [&](const Memory &memory) {
      return Buffer(memory, kFloat, {dim(p_.C, 1), dim(repeats, p_.C)});
    };
    Buffer hi = view_of(own.hi), lo = view_of(own.lo), var = view_of(own.var);
    Buffer mean_in(t_.running_mean, kFloat, {dim(p_.C, 1)}), mean_out(t_.running_mean, kFloat, {dim(p_.C, 1)});
    Buffer var_in(t_.running_var, kFloat, {dim(p_.C, 1)}), var_out(t_.running_var, kFloat, {dim(p_.C, 1)});
    const double correction = scalars_.running_var_unbiased ? values / (values - 1) : 1.0;
    return launch<NormKernel::norm_running_f32>(hi, lo, var, mean_in, var_in, scalars_.running_weight, correction,
                                                mean_out, var_out);
  }

  Call *call_;
  const NormProblem &p_;
  const NormPlan &plan_;
  const NormTensors &t_;
  const NormScalars &scalars_;
  Scratch scratch_, blocks_;
  Variant variant_;
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
  const bool slab = plan.path == HALOGEN_NORM_PATH_SLAB;
  if (!problem.own_statistics) {
    slab ? HALOGEN_ADD(norm_apply_f32_cs_slab) : HALOGEN_ADD(norm_apply_f32_cs_row);
  } else if (plan.path == HALOGEN_NORM_PATH_SPLIT) {
    HALOGEN_ADD(norm_partial_f32_cs_row);
    HALOGEN_ADD(norm_merge_f32);
    HALOGEN_ADD(norm_apply_f32_cs_row);
  } else {
    slab ? HALOGEN_ADD(norm_fused_f32_cs_slab) : HALOGEN_ADD(norm_fused_f32_cs_row);
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
  const NormProblem problem = {1, 1, 2, HALOGEN_NORM_SCOPE_BATCH, 1, true, true};
  const NormTensors tensors = {part(0), part(1), none, none, none, none, part(2), part(3)};
  NormPlan plan;
  if (!norm_plan(problem, HALOGEN_NORM_PATH_AUTO, 0, &plan)) return halide_error_code_internal_error;
  return norm_run(call, problem, plan, tensors, {1.0, 0.5, true});
}

}  // namespace halogen

#include "conv_run.h"

#include <algorithm>
#include <cstring>

#include "conv_kernels.h"
#include "conv_tiles.h"
#include "integers.h"
#include "parallel.h"
#include "ran.h"
#include "scratch.h"

namespace halogen {
namespace {

constexpr DLDevice kCpu = {kDLCPU, 0};

/// A task's part of the problem.
struct Part {
  int64_t sample, group, groups;
  int64_t channel, channels;  ///< in the group
  int64_t block, blocks;      ///< of phases, in every run
  int64_t first, last;        ///< positions [first, last) whose strides it finishes
  Memory padded, sums;
};

class Runner {
 public:
  Runner(Call *call, const ConvProblem &problem, const ConvLayout &layout, const ConvPlan &plan,
         const ConvTensors &tensors, const ConvScalars &scalars)
      : call_(call),
        p_(problem),
        w_(problem.shape),
        layout_(layout),
        plan_(plan),
        t_(tensors),
        scalars_(scalars),
        phases_(conv_phases(problem.shape)),
        variant_(variant_of(call->context->options.isa)),
        storage_(type_of(w_.dtype)),
        compute_(type_of(compute_dtype(w_.dtype))),
        bytes_(dtype_bytes(w_.dtype)),
        size_(dtype_bytes(compute_dtype(w_.dtype))) {}

  int run() {
    Scratch inputs(call_, kCpu);
    if (plan_.pads_once()) {
      if (!inputs.acquire(plan_.shared_elements(p_) * size_)) return halide_error_code_out_of_memory;
      inputs_ = inputs.memory();
      const int code = parallel_for(call_, plan_.inputs(p_), [this](int64_t index) { return pad(part_of(index)); });
      if (code != 0) return code;
    }
    return parallel_for(call_, plan_.tasks(p_), [this](int64_t index) { return task(index); });
  }

 private:
  /// Tasks of an input follow each other last: a block's weights are read again by all inputs while they are in a cache.
  Part part_of(int64_t index) const {
    Part part = {};
    const int64_t input = index % plan_.inputs(p_);
    const int64_t rest = index / plan_.inputs(p_);
    part.channel = rest / plan_.block_tasks * plan_.channels;
    part.channels = std::min(plan_.channels, w_.group_out() - part.channel);
    part.block = rest % plan_.block_tasks * plan_.blocks;
    part.blocks = plan_.block_tasks > 1 ? std::min(plan_.blocks, layout_.runs[0].blocks - part.block) : INT64_MAX;
    part.sample = input / plan_.position_tasks % p_.N;
    part.group = input / plan_.position_tasks / p_.N * plan_.groups;
    part.groups = std::min(plan_.groups, w_.groups - part.group);
    part.first = plan_.first + input % plan_.position_tasks * plan_.positions;
    part.last = std::min(part.first + plan_.positions, plan_.last);
    if (inputs_.base != nullptr) part.padded = inputs_.at(input * plan_.padded_elements, size_);
    return part;
  }

  int task(int64_t index) const {
    Part part = part_of(index);
    Scratch scratch(call_, kCpu);
    if (!scratch.acquire(plan_.task_elements() * size_)) return halide_error_code_out_of_memory;
    part.sums = scratch.memory();
    int code = 0;
    if (part.padded.base == nullptr) {
      part.padded = part.sums.at(plan_.sums_elements, size_);
      code = pad(part);
    }
    // What no tap reaches stays 0.
    if (layout_.gaps || !p_.finite) {
      std::memset(part.sums.address(), 0, static_cast<size_t>(plan_.sums_elements * size_));
    }
    for (int32_t i = 0; i < layout_.count && code == 0; ++i) code = sum(part, layout_.runs[i]);
    return code != 0 ? code : finish(part);
  }

  int64_t first_computed(const Part &part) const { return part.first - plan_.before; }
  int64_t reach(int64_t taps) const { return (taps - 1) * phases_.spacing; }

  int pad(const Part &part) const {
    const ConvStrides &s = p_.input;
    const Memory from = t_.input.at(part.sample * s.n + part.group * w_.group_in() * s.c, bytes_);
    const int64_t channels = w_.group_in() * part.groups;
    Buffer x(from, storage_, {dim(p_.L, s.l), dim(channels, s.c)});
    Buffer y(part.padded, compute_,
             {dim(plan_.padded_row, 1), dim(1, 0), dim(layout_.depth * part.groups, plan_.padded_row)});
    const int64_t left = reach(layout_.most_taps) - first_computed(part);
    return find_kernel<ConvRole::pad>(w_.dtype, variant_)
        .function(call_, x, x, static_cast<int32_t>(left), 1, 1, 0, scalars_.input_slope, layout_.pairs, y);
  }

  /// All positions of a run; piece by piece where a weight times the zeros beyond the input is not 0.
  int sum(const Part &part, const ConvRun &run) const {
    const int64_t first = first_computed(part);
    if (p_.finite) return sum_taps(part, run, first, part.last, 0, run.taps);
    int code = 0;
    for (int64_t u = first, end = u; u < part.last && code == 0; u = end) {
      const Taps taps = reached(run, u);
      while (end < part.last && reached(run, end) == taps) ++end;
      if (taps.first < taps.last) {
        code = sum_taps(part, run, u, end, taps.first, taps.last);
      } else {
        clear(part, run, u, end);
      }
    }
    return code;
  }

  struct Taps {
    int64_t first, last;
    bool operator==(const Taps &other) const { return first == other.first && last == other.last; }
  };

  /// The taps of position u that lie on the input.
  Taps reached(const ConvRun &run, int64_t u) const {
    Taps taps = {run.taps, 0};
    for (int64_t j = 0; j < run.taps; ++j) {
      const int64_t l = u - j * phases_.spacing;
      if (l < 0 || l >= p_.L) continue;
      taps.first = std::min(taps.first, j);
      taps.last = j + 1;
    }
    return taps.last == 0 ? Taps{0, 0} : taps;
  }

  Memory sums_at(const Part &part, const ConvRun &run, int64_t u) const {
    const int64_t phase = run.first + part.block * run.width;
    return part.sums.at(w_.stride * (u - first_computed(part)) + w_.dilation * phase, size_);
  }

  /// The tile before may have written here.
  void clear(const Part &part, const ConvRun &run, int64_t first, int64_t last) const {
    for (int64_t co = 0; co < part.channels; ++co) {
      for (int64_t u = first; u < last; ++u) {
        const Memory to = sums_at(part, run, u).at(co * plan_.sums_row, size_);
        for (int64_t k = 0; k < run.width * std::min(part.blocks, run.blocks); ++k) {
          std::memset(to.at(k * w_.dilation, size_).address(), 0, static_cast<size_t>(size_));
        }
      }
    }
  }

  /// Positions [first, last): whole tiles, and what is left in the smallest tile that has it.
  int sum_taps(const Part &part, const ConvRun &run, int64_t first, int64_t last, int64_t first_tap,
               int64_t last_tap) const {
    const int64_t all = round_up(last - first, plan_.tile), whole = (last - first) / plan_.tile * plan_.tile;
    const bool rows = plan_.path == HALOGEN_CONV_PATH_ROWS;
    const int64_t rest = rows ? conv_rows_tile(static_cast<int>(plan_.tile), last - first - whole) : plan_.tile;
    if (whole == 0 || all == whole || rest == plan_.tile) {
      return sum_tiles(part, run, first, all, first_tap, last_tap);
    }
    const int code = sum_tiles(part, run, first, whole, first_tap, last_tap);
    return code != 0 ? code : sum_tiles(part, run, first + whole, rest, first_tap, last_tap);
  }

  int sum_tiles(const Part &part, const ConvRun &run, int64_t first, int64_t positions, int64_t first_tap,
                int64_t last_tap) const {
    const int64_t taps = last_tap - first_tap;
    const int64_t in_block = layout_.block / run.width, blocks = conv_channel_blocks(layout_, run, part.channels);
    const int64_t begin = first - first_computed(part) + reach(layout_.most_taps) - (last_tap - 1) * phases_.spacing;
    const Memory from = part.padded.at(begin, size_), to = sums_at(part, run, first);
    const halide_dimension_t xu = dim(positions + reach(taps), 1), xc = dim(layout_.depth, plan_.padded_row);
    const halide_dimension_t yp = dim(run.width, w_.dilation), yu = dim(positions, w_.stride);
    const int64_t block = layout_.depth * run.taps * layout_.block;
    const int64_t weights = part.group * layout_.group_elements + run.offset +
                            (part.channel / in_block * run.blocks + part.block) * block + first_tap * layout_.block;
    const int64_t run_blocks = std::min(part.blocks, run.blocks);
    const auto spacing = static_cast<int32_t>(phases_.spacing);
    const Dtype compute = compute_dtype(w_.dtype);
    const bool rows = plan_.path == HALOGEN_CONV_PATH_ROWS;
    const Memory packed = t_.packed.at(weights, size_);
    const auto rows_y = [&] {
      return Buffer(to, compute_,
                    {yp, dim(in_block, plan_.sums_row), yu, dim(run_blocks, run.width * w_.dilation),
                     dim(blocks, in_block * plan_.sums_row)});
    };
    if (layout_.pairs) {
      const auto words = [](int64_t extent, int64_t stride) { return dim(extent, 2 * stride); };
      Buffer x(from, storage_, {dim(2, 1), words(xu.extent, 1), words(layout_.depth, plan_.padded_row)});
      Buffer w(packed, storage_,
               {dim(2, 1), words(layout_.block, 1), words(taps, layout_.block),
                words(layout_.depth, run.taps * layout_.block), words(run_blocks, block),
                words(blocks, run.blocks * block)});
      Buffer y = rows_y();
      return find_kernel<ConvRole::sum_rows>(w_.dtype, variant_).function(call_, x, w, 1, spacing, y);
    }
    Buffer w(
        packed, compute_,
        {dim(layout_.block, 1), dim(taps, layout_.block), dim(layout_.depth, run.taps * layout_.block),
         rows ? dim(run_blocks, block) : dim(part.groups, layout_.group_elements), dim(blocks, run.blocks * block)});
    if (rows) {
      Buffer x(from, compute_, {xu, xc});
      Buffer y = rows_y();
      return find_kernel<ConvRole::sum_rows>(compute, variant_).function(call_, x, w, 1, spacing, y);
    }
    const int64_t channels = plan_.few_rows ? part.channels : in_block;
    Buffer x(from, compute_, {xu, xc, dim(part.groups, layout_.depth * plan_.padded_row)});
    Buffer y(to, compute_,
             {yp, dim(channels, plan_.sums_row), yu, dim(part.groups, channels * plan_.sums_row),
              dim(blocks, in_block * plan_.sums_row)});
    const auto launched = [&](auto kernel) { return kernel.function(call_, x, w, spacing, y); };
    if (!plan_.few_rows) return launched(find_kernel<ConvRole::sum_length>(compute, variant_));
    return run.width * channels == 1 ? launched(find_kernel<ConvRole::sum_length1>(compute, variant_))
                                     : launched(find_kernel<ConvRole::sum_length2>(compute, variant_));
  }

  int finish(const Part &part) const {
    if (plan_.block_tasks == 1) return finish(part, part.first * w_.stride, part.last * w_.stride);
    int code = 0;
    const int64_t width = layout_.runs[0].width;
    for (int64_t u = part.first; u < part.last && code == 0; ++u) {
      const int64_t first = u * w_.stride + part.block * width;
      code = finish(part, first, first + part.blocks * width);
    }
    return code;
  }

  /// Outputs [first, last) of the full result, those that are not cropped.
  int finish(const Part &part, int64_t first, int64_t last) const {
    const int64_t begin = std::max(first, p_.pad_left);
    const int64_t end = std::min(last, p_.pad_left + p_.L_out);
    if (begin >= end) return 0;
    const int64_t channel = part.group * w_.group_out() + part.channel;
    const ConvStrides &s = p_.output;
    const int64_t channels = part.channels * part.groups;
    Buffer z(part.sums.at(begin - first_computed(part) * w_.stride, size_), compute_,
             {dim(end - begin, 1), dim(channels, plan_.sums_row)});
    const bool has_bias = t_.bias.base != nullptr;
    Buffer bias(has_bias ? t_.bias.at(channel * t_.bias_stride, bytes_) : part.sums, storage_,
                {dim(channels, has_bias ? t_.bias_stride : 0)});
    const Memory to = t_.output.at(part.sample * s.n + channel * s.c + (begin - p_.pad_left) * s.l, bytes_);
    Buffer y(to, storage_, {dim(end - begin, s.l), dim(channels, s.c)});
    return find_kernel<ConvRole::finish>(w_.dtype, variant_)
        .function(call_, z, bias, has_bias, y, scalars_.tanh ? 1 : 0, scalars_.slope, y);
  }

  Call *call_;
  const ConvProblem &p_;
  const ConvWeightShape &w_;
  const ConvLayout &layout_;
  const ConvPlan &plan_;
  const ConvTensors &t_;
  const ConvScalars &scalars_;
  ConvPhases phases_;
  Variant variant_;
  halide_type_t storage_, compute_;
  int64_t bytes_, size_;  ///< of an element: stored, computed in
  Memory inputs_ = {};    ///< padded, of all parts
};

}  // namespace

bool conv_kernel_names(const ConvPlan &plan, const ConvLayout &layout, Dtype dtype, bool packs, halogen_isa isa,
                       char *names, size_t size, const char **missing) {
  const Variant variant = variant_of(isa);
  KernelNames all(names, size);
  const auto add = [&](auto entry, const char *role) { all.add(entry.name, role); };
  const Dtype compute = compute_dtype(dtype);
  if (packs) {
    add(find_kernel<ConvRole::largest>(dtype, variant), "conv_largest");
    add(find_kernel<ConvRole::pack>(dtype, variant), "conv_pack");
  }
  add(find_kernel<ConvRole::pad>(dtype, variant), "conv_pad");
  if (plan.few_rows) {
    if ((plan.rows_of_runs & 1) != 0) add(find_kernel<ConvRole::sum_length1>(compute, variant), "conv_sum_length1");
    if ((plan.rows_of_runs & 2) != 0) add(find_kernel<ConvRole::sum_length2>(compute, variant), "conv_sum_length2");
  } else if (plan.path == HALOGEN_CONV_PATH_LENGTH) {
    add(find_kernel<ConvRole::sum_length>(compute, variant), "conv_sum_length");
  } else {
    add(find_kernel<ConvRole::sum_rows>(layout.pairs ? dtype : compute, variant), "conv_sum_rows");
  }
  add(find_kernel<ConvRole::finish>(dtype, variant), "conv_finish");
  *missing = all.missing;
  return all.missing == nullptr;
}

int conv_run(Call *call, const ConvProblem &problem, const ConvLayout &layout, const ConvPlan &plan,
             const ConvTensors &tensors, const ConvScalars &scalars) {
  return Runner(call, problem, layout, plan, tensors, scalars).run();
}

}  // namespace halogen

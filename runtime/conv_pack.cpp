#include <algorithm>
#include <atomic>
#include <utility>

#include "conv_kernels.h"
#include "conv_run.h"
#include "integers.h"
#include "parallel.h"

namespace halogen {
namespace {

constexpr DLDevice kCpu = {kDLCPU, 0};
constexpr uint64_t kInfinity32 = 0x7f800000, kInfinity64 = 0x7ff0000000000000;
// Weights in a task.
constexpr int64_t kTaskElements = 64 * 1024;

/// Input channels [first, first + count) of a group.
struct Slice {
  int64_t group, first, count;
};

class Packer {
 public:
  Packer(Call *call, const ConvWeightShape &shape, const ConvLayout &layout, const ConvWeights &weight,
         const Memory &packed)
      : call_(call),
        w_(shape),
        layout_(layout),
        weight_(weight),
        packed_(packed),
        variant_(variant_of(call->context->options.isa)) {}

  int run() {
    // Even: a pair is not cut.
    const int64_t channels = std::max<int64_t>(2, kTaskElements / (w_.group_out() * w_.K) / 2 * 2);
    const int64_t slices = ceil_div(w_.group_in(), channels);
    return parallel_for(call_, w_.groups * slices, [&](int64_t index) {
      const int64_t first = index % slices * channels;
      return slice({index / slices, first, std::min(channels, w_.group_in() - first)});
    });
  }

  bool finite() const { return finite_.load(std::memory_order_acquire); }

 private:
  int slice(const Slice &s) {
    int code = look(s);
    for (int32_t i = 0; i < layout_.count && code == 0; ++i) code = pack(s, layout_.runs[i]);
    return code;
  }

  Memory from(const Slice &s) const {
    return weight_.memory.at((s.group * w_.group_in() + s.first) * weight_.ci, dtype_bytes(w_.dtype));
  }

  int look(const Slice &s) {
    // What follows without a gap is one row.
    int64_t row = w_.K, rows = w_.group_out(), count = s.count;
    if (weight_.k == 1 && weight_.co == row) row *= std::exchange(rows, 1);
    if (weight_.k == 1 && rows == 1 && weight_.ci == row) row *= std::exchange(count, 1);
    Buffer w(from(s), type_of(w_.dtype), {dim(row, weight_.k), dim(rows, weight_.co), dim(count, weight_.ci)});
    const bool wide = compute_dtype(w_.dtype) == Dtype::f64;
    uint64_t bits = 0;  // little-endian: a shorter number lies in its first bytes
    Buffer largest(Memory{kCpu, &bits, 0}, halide_type_t(halide_type_uint, wide ? 64 : 32), {dim(1, 1)});
    const int code = find_kernel<ConvRole::largest>(w_.dtype, variant_).function(call_, w, largest);
    if (bits >= (wide ? kInfinity64 : kInfinity32)) finite_.store(false, std::memory_order_release);
    return code;
  }

  int pack(const Slice &s, const ConvRun &run) {
    const int64_t out = w_.group_out();
    const Dtype compute = compute_dtype(w_.dtype);
    Buffer w(from(s), type_of(w_.dtype), {dim(w_.K, weight_.k), dim(out, weight_.co), dim(s.count, weight_.ci)});
    const int64_t depth = run.taps * layout_.block, block = layout_.depth * depth;
    const int64_t values = layout_.pairs ? 2 : 1;
    const int64_t to = s.group * layout_.group_elements + run.offset + s.first / values * depth;
    Buffer y(packed_.at(to, dtype_bytes(compute)), type_of(compute),
             {dim(layout_.block, 1), dim(run.taps, layout_.block), dim(ceil_div(s.count, values), depth),
              dim(run.blocks, block), dim(conv_channel_blocks(layout_, run, out), run.blocks * block)});
    return find_kernel<ConvRole::pack>(w_.dtype, variant_)
        .function(call_, w, static_cast<int32_t>(run.first), static_cast<int32_t>(run.width),
                  static_cast<int32_t>(conv_phases(w_).phases), layout_.pairs, y);
  }

  Call *call_;
  const ConvWeightShape &w_;
  const ConvLayout &layout_;
  const ConvWeights &weight_;
  const Memory &packed_;
  std::atomic<bool> finite_{true};
  Variant variant_;
};

}  // namespace

int conv_pack(Call *call, const ConvWeightShape &shape, const ConvLayout &layout, const ConvWeights &weight,
              const Memory &packed, bool *finite) {
  Packer packer(call, shape, layout, weight, packed);
  const int code = packer.run();
  *finite = packer.finite();
  return code;
}

}  // namespace halogen

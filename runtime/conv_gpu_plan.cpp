#include <algorithm>

#include "conv_gpu.h"
#include "integers.h"

namespace halogen {
namespace {

/// A tile has as many rows, or half as many; with fewer than a quarter in use, threads for each position waste less.
constexpr int64_t kFewRows = 16;
/// The least tile: 32 positions by 32 rows; direct: 128 by 4.
constexpr int64_t kTile = 32, kDirectPositions = 128, kDirectRows = 4;

/// As many thread blocks as a class has for a sample, or more than there may be.
int64_t thread_blocks(const ConvGpuClass &c, const ConvWeightShape &w) {
  const int64_t rows = c.count * w.group_out();
  int64_t blocks = 0;
  const int64_t of_rows = ceil_div(rows, c.direct ? kDirectRows : kTile);
  const int64_t of_positions = ceil_div(c.positions, c.direct ? kDirectPositions : kTile);
  const bool fits = rows <= kMaxElements - 2 * kTile && !__builtin_mul_overflow(of_rows, of_positions, &blocks) &&
                    !__builtin_mul_overflow(blocks, w.groups, &blocks);
  return fits ? blocks : kMaxElements + 1;
}

class Planner {
 public:
  Planner(const ConvProblem &problem, halogen_conv_path forced, ConvGpuPlan *plan)
      : p_(problem), w_(problem.shape), forced_(forced), plan_(plan) {}

  /// A class whose outputs lie `least` to `most` behind the first of their position.
  void add(int64_t first_phase, int64_t count, int64_t taps, int64_t least, int64_t most) {
    if (count == 0) return;
    const int64_t first = ceil_div(p_.pad_left - most, w_.stride);
    const int64_t last = floor_div(p_.pad_left + p_.L_out - 1 - least, w_.stride);
    if (first > last) return;
    const bool few = count * w_.group_out() <= kFewRows;
    const bool direct = forced_ == HALOGEN_CONV_PATH_AUTO ? few : forced_ == HALOGEN_CONV_PATH_LENGTH;
    plan_->classes[plan_->count++] = {first_phase, count, taps, first, last - first + 1, direct};
  }

 private:
  const ConvProblem &p_;
  const ConvWeightShape &w_;
  halogen_conv_path forced_;
  ConvGpuPlan *plan_;
};

}  // namespace

bool conv_gpu_plan(const ConvProblem &p, const ConvWeights &weight, halogen_conv_path forced, ConvGpuPlan *plan) {
  const ConvWeightShape &w = p.shape;
  *plan = {};
  const auto too_large = [&](const char *reason) {
    plan->reason = reason;
    plan->too_large = true;
    return false;
  };
  // A tile at the end reaches beyond the positions.
  const int64_t reach = w.K * w.dilation + (kDirectPositions + 1) * w.stride;
  if (p.L_out > kMaxElements / 4 || p.L > kMaxElements / 4 || p.pad_left > kMaxElements / 4 ||
      p.pad_left < -kMaxElements / 4 || reach > kMaxElements / 4) {
    return too_large("a sample's length, its crop, and 129 strides are below 2^29");
  }
  const int64_t input = p.input.span(w.C_in, p.L), output = p.output.span(w.C_out, p.L_out);
  if (input > kMaxElements || output > kMaxElements || weight.reach(w) > kMaxElements) {
    return too_large("a sample, and the weights, reach over less than 2^31 elements");
  }
  const int64_t phases = conv_phases(w).phases, gaps = w.stride / phases;
  const int64_t least = w.K / phases, more = w.K % phases, last = w.dilation * (phases - 1);
  Planner planner(p, forced, plan);
  planner.add(0, more, least + 1, 0, w.dilation * (more - 1));
  planner.add(more, phases - more, least, w.dilation * more, last);
  planner.add(phases, w.stride - phases, 0, 1, last + gaps - 1);

  plan->samples = p.N;
  const auto fit = [&](int64_t span, int64_t stride) {
    if (stride > 0) plan->samples = std::min(plan->samples, 1 + (kMaxElements - span) / stride);
  };
  fit(input, p.input.n);
  fit(output, p.output.n);
  for (int32_t i = 0; i < plan->count; ++i) {
    const int64_t blocks = thread_blocks(plan->classes[i], w);
    if (blocks > kMaxElements) return too_large("a sample takes less than 2^31 thread blocks");
    plan->samples = std::min(plan->samples, kMaxElements / blocks);
  }
  plan->samples = gpu_part(plan->samples, p.N);
  plan->reason = forced != HALOGEN_CONV_PATH_AUTO ? "GPU: as asked for"
                 : plan->classes[0].direct        ? "GPU: few rows, a thread for each position"
                                                  : "GPU: tiles of rows by positions";
  return true;
}

}  // namespace halogen

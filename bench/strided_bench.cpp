#include "strided_bench.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <utility>

#include "norm_call.h"
#include "norm_line.h"
#include "register.h"
#include "samples.h"

namespace halogen_bench {
namespace {

/// The shape with its last two axes swapped.
std::vector<int64_t> swapped(std::vector<int64_t> shape) {
  std::swap(shape[2], shape[3]);
  return shape;
}

/// A tensor (N, C, H, W) whose memory is (N, C, W, H).
class SwappedTensor {
 public:
  explicit SwappedTensor(const std::vector<int64_t> &shape)
      : memory_(swapped(shape), -1 + 1.0 / 1024, 1.0 / 512), view_(*memory_.dl()) {
    for (int i = 0; i < 4; ++i) {
      const int from = i < 2 ? i : 5 - i;
      shape_[i] = memory_.dl()->shape[from];
      strides_[i] = memory_.dl()->strides[from];
    }
    view_.shape = shape_;
    view_.strides = strides_;
  }

  const DLTensor *dl() const { return &view_; }

  /// to = this, dense: square tiles, so that both sides go by whole cache lines.
  void gather(float *to) const {
    constexpr int64_t kTile = 16;
    const int64_t H = shape_[2], W = shape_[3];
    for (int64_t image = 0; image < shape_[0] * shape_[1]; ++image) {
      const float *from = memory_.data() + image * H * W;
      for (int64_t h0 = 0; h0 < H; h0 += kTile) {
        for (int64_t w0 = 0; w0 < W; w0 += kTile) {
          for (int64_t h = h0; h < std::min(h0 + kTile, H); ++h) {
            for (int64_t w = w0; w < std::min(w0 + kTile, W); ++w) to[image * H * W + h * W + w] = from[w * H + h];
          }
        }
      }
    }
  }

 private:
  OwnedTensor memory_;
  int64_t shape_[4], strides_[4];
  DLTensor view_;
};

void measure(benchmark::State &state, const NormLine &line, const Settings &settings) {
  const SwappedTensor x(line.problem.shape);
  OwnedTensor spare(line.problem.shape, 0, 0);
  NormCall dense(line, settings), strided(line, settings);
  strided.read_from(x.dl());
  Samples dense_times, strided_times, gather_times;
  const auto round = [&] {
    dense_times.add(time_block(1, dense));
    gather_times.add(time_block(1, [&] { x.gather(spare.data()); }));
    const double seconds = time_block(1, strided);
    strided_times.add(seconds);
    return seconds;
  };
  measure_rounds(state, strided_times, round);
  const double time = strided_times.median();
  state.counters["median_s"] = time;
  state.counters["min_s"] = strided_times.min();
  state.counters["dense_s"] = dense_times.median();
  state.counters["gather_s"] = gather_times.median();
  state.counters["percent"] = 100 * (dense_times.median() + gather_times.median()) / time;
  state.SetLabel(line.problem.shape_text() + " " + strided.kernels());
}

}  // namespace

void register_strided_benchmarks(const std::vector<Problem> &problems, const Settings &settings) {
  if (!settings.all()) return;
  for (const Problem &problem : problems) {
    if (problem.shape.size() != 4) continue;
    const NormLine line = {problem, Mode::kOwn, kF32, false, 1};
    register_benchmark("strided/" + problem.model + "/" + problem.name, settings.min_time,
                       [=](benchmark::State &state) { measure(state, line, settings); });
  }
}

}  // namespace halogen_bench

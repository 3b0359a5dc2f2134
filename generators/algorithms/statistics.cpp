#include "statistics.h"

namespace halogen {

using namespace Halide;

namespace {

LaneSweep lane_sweep(const Expr &length, const Expr &max_length, const Expr &rows, const Expr &max_rows, int lanes,
                     int vector) {
  LaneSweep sweep;
  sweep.groups = RDom(0, max_length / lanes, 0, max_rows, "groups");
  sweep.groups.where(sweep.groups.x < length / lanes && sweep.groups.y < rows);
  sweep.vectors = RDom(0, vector, 0, lanes / vector - 1, 0, max_rows, "vectors");
  sweep.vectors.where(sweep.vectors.y < (length % lanes) / vector && sweep.vectors.z < rows);
  if (vector > 1) {
    sweep.singles = RDom(0, vector - 1, 0, max_rows, "singles");
    sweep.singles.where(sweep.singles.x < length % vector && sweep.singles.y < rows);
  }
  return sweep;
}

// Adds the terms of all values of a sweep to a Func of lanes: add(lane, s, r) makes one update definition.
void accumulate(const LaneSweep &sweep, const Var &lane, const Expr &length, int lanes, int vector,
                const std::function<void(Expr, Expr, Expr)> &add) {
  const Expr grouped = (length / lanes) * lanes;
  add(lane, sweep.groups.x * lanes + lane, sweep.groups.y);
  const Expr in_group = sweep.vectors.y * vector + sweep.vectors.x;
  add(in_group, grouped + in_group, sweep.vectors.z);
  if (sweep.singles.defined()) {
    add(sweep.singles.x, (length / vector) * vector + sweep.singles.x, sweep.singles.y);
  }
}

}  // namespace

Expr BlockShape::blocks_s() const { return (S + block_s - 1) / block_s; }
Expr BlockShape::blocks_r() const { return (R + block_r - 1) / block_r; }
Expr BlockShape::length_s(const Expr &ks) const { return min(block_s, S - ks * block_s); }
Expr BlockShape::length_r(const Expr &kr) const { return min(block_r, R - kr * block_r); }
Expr BlockShape::count(const Expr &ks, const Expr &kr) const {
  return cast<double>(length_s(ks)) * cast<double>(length_r(kr));
}

Expr difference(const Expr &x, const Expr &centre) { return strict_float(x - centre); }

Expr if_finite(const Expr &test, const Expr &value) {
  return select(strict_float(test - test == cast(test.type(), 0)), value, 0.0f);
}

BlockStatistics block_statistics(const Func &x, const BlockShape &shape, int lanes, int vector, int folds) {
  BlockStatistics st;
  st.lanes = lanes;
  st.vector = vector;
  st.folds = folds;
  const std::vector<Expr> at{st.ks, st.kr, st.g, st.b};
  auto with = [&](const Expr &first) {
    std::vector<Expr> args{first};
    args.insert(args.end(), at.begin(), at.end());
    return args;
  };
  // The sweeps keep within a block, and blocks within the set: bounds inference need not prove it again.
  auto value = [&](const Expr &s, const Expr &r) {
    return x(unsafe_promise_clamped(st.ks * shape.block_s + s, 0, shape.S - 1),
             unsafe_promise_clamped(st.kr * shape.block_r + r, 0, shape.R - 1), st.g, st.b);
  };
  const Expr length = shape.length_s(st.ks), rows = shape.length_r(st.kr);
  st.sweep = lane_sweep(length, shape.block_s, rows, shape.block_r, lanes, vector);

  const Expr first = value(0, 0);
  st.shift_lanes(with(st.lane)) = 0.0f;
  accumulate(st.sweep, st.lane, length, lanes, vector, [&](const Expr &lane, const Expr &s, const Expr &r) {
    st.shift_lanes(with(lane)) += difference(value(s, r), first);
  });

  st.fold_lanes = RDom(0, lanes / folds, "fold_lanes");
  st.fold_total = RDom(0, folds, "fold_total");
  const Expr folded = st.fold + st.fold_lanes * folds;
  st.shift_folds(with(st.fold)) += cast<double>(st.shift_lanes(with(folded)));
  st.shift_sum(at) += st.shift_folds(with(st.fold_total));
  const Expr mean = strict_float(cast<double>(first) + st.shift_sum(at) / shape.count(st.ks, st.kr));
  st.centre(at) = if_finite(mean, cast<float>(mean));

  st.deviation_lanes(with(st.lane)) = Tuple(0.0f, 0.0f);
  accumulate(st.sweep, st.lane, length, lanes, vector, [&](const Expr &lane, const Expr &s, const Expr &r) {
    const Expr d = difference(value(s, r), st.centre(at));
    const FuncRef sums = st.deviation_lanes(with(lane));
    st.deviation_lanes(with(lane)) = Tuple(sums[0] + d, sums[1] + d * d);
  });

  const Tuple zero(cast<double>(0), cast<double>(0));
  auto add_f64 = [](const FuncRef &sum, const FuncRef &term) {
    return Tuple(sum[0] + cast<double>(term[0]), sum[1] + cast<double>(term[1]));
  };
  st.deviation_folds(with(st.fold)) = zero;
  st.deviation_folds(with(st.fold)) = add_f64(st.deviation_folds(with(st.fold)), st.deviation_lanes(with(folded)));
  st.deviation_sum(at) = zero;
  st.deviation_sum(at) = add_f64(st.deviation_sum(at), st.deviation_folds(with(st.fold_total)));

  st.block(at) =
      block_moments(st.centre(at), st.deviation_sum(at)[0], st.deviation_sum(at)[1], shape.count(st.ks, st.kr));
  return st;
}

Tuple block_moments(const Expr &centre, const Expr &sum, const Expr &sum_of_squares, const Expr &count) {
  return Tuple(cast<double>(centre) + sum / count, sum_of_squares - sum * sum / count);
}

Tuple statistic(const Expr &mean, const Expr &m2, const Expr &count) {
  const Expr hi = cast<float>(mean);
  return Tuple(hi, if_finite(mean, cast<float>(mean - cast<double>(hi))), cast<float>(m2 / count));
}

MergedStatistics merge_blocks(const std::function<Expr(Expr, Expr, Expr, Expr)> &mean,
                              const std::function<Expr(Expr, Expr, Expr, Expr)> &m2, const BlockShape &shape) {
  MergedStatistics st;
  st.blocks = RDom(0, shape.blocks_s(), 0, shape.blocks_r(), "blocks");
  const RVar ks = st.blocks.x, kr = st.blocks.y;
  const Expr count = cast<double>(shape.S) * cast<double>(shape.R);
  st.sum(st.g, st.b) += shape.count(ks, kr) * mean(ks, kr, st.g, st.b);
  st.mean(st.g, st.b) = strict_float(st.sum(st.g, st.b) / count);
  const Expr between = mean(ks, kr, st.g, st.b) - st.mean(st.g, st.b);
  st.m2(st.g, st.b) += m2(ks, kr, st.g, st.b) + shape.count(ks, kr) * between * between;
  st.statistic(st.g, st.b) = statistic(st.mean(st.g, st.b), st.m2(st.g, st.b), count);
  return st;
}

}  // namespace halogen

#include "statistics.h"

namespace halogen {

using namespace Halide;

Expr BlockShape::blocks_s() const { return (S + block_s - 1) / block_s; }
Expr BlockShape::blocks_r() const { return (R + block_r - 1) / block_r; }
Expr BlockShape::length_s(const Expr &ks) const { return min(block_s, S - ks * block_s); }
Expr BlockShape::length_r(const Expr &kr) const { return min(block_r, R - kr * block_r); }
Expr BlockShape::count(const Expr &ks, const Expr &kr) const {
  return cast<double>(length_s(ks)) * cast<double>(length_r(kr));
}

Expr difference(const Expr &x, const Expr &centre) { return strict_float(x - centre); }

Expr if_finite(const Expr &test, const Expr &value) {
  return select(strict_float(test - test == cast(test.type(), 0)), value, cast(value.type(), 0));
}

namespace {

/// Part of a block's values: runs of `length` values, at most max_length, `runs` of them, at most max_runs. Run i is in row
/// (i >> halves) * row_step; with `halves` 1 rather than 0, odd runs begin `offset` values into it.
struct Part {
  Expr length, max_length, runs, max_runs;
  Expr halves, offset, row_step;
};

Expr ceil_div(const Expr &a, const Expr &b) { return (a + b - 1) / b; }

/// About an eighth of a block: of long rows both ends, so that a ramp's mean is found and memory is read in order; of short rows
/// every eighth; all of a small block.
Part sample_of(const BlockShape &shape, const Expr &length, const Expr &rows, int lanes) {
  constexpr int kEighth = 8, kSmall = 512;
  const Expr long_rows = length >= 2 * kEighth * lanes;
  const Expr end = ceil_div(length / lanes, 2 * kEighth) * lanes;
  const Expr row_step = select(long_rows || length * rows < kSmall, 1, kEighth);
  return {select(long_rows, end, length),
          shape.block_s,
          select(long_rows, 2 * rows, ceil_div(rows, row_step)),
          2 * shape.block_r,
          select(long_rows, 1, 0),
          length - end,
          row_step};
}

/// Sums of `term`, of a type, over a part of every block.
LaneSums lane_sums(const BlockStatistics &st, const Part &part, const Lanes &shape, const Type &type,
                   const std::function<Tuple(Expr s, Expr r)> &term) {
  const int lanes = shape.lanes, vector = shape.vector;
  const Expr &length = part.length, &max_length = part.max_length, &rows = part.runs, &max_rows = part.max_runs;
  const Expr lane_rows = shape.all_rows ? rows : 1, max_lane_rows = shape.all_rows ? max_rows : 1;
  const Expr fold_rows = shape.all_rows ? 1 : rows, max_fold_rows = shape.all_rows ? 1 : max_rows;
  const Expr zero = cast(type, 0);
  LaneSums sums;
  const Var &lane = sums.lane, &row = sums.row, &fold = sums.fold;
  auto add = [&](const Expr &to, const Expr &s, const Expr &r, const Expr &counts = Expr(true)) {
    const FuncRef sum = sums.lanes(to, row, st.ks, st.kr, st.g, st.b);
    const Expr run = row + r;
    const Tuple terms = term(s + (run & part.halves) * part.offset, (run >> part.halves) * part.row_step);
    sums.lanes(to, row, st.ks, st.kr, st.g, st.b) =
        Tuple(sum[0] + select(counts, terms[0], zero), sum[1] + select(counts, terms[1], zero));
  };
  sums.lanes(lane, row, st.ks, st.kr, st.g, st.b) = Tuple(zero, zero);
  sums.groups = RDom(0, max_length / lanes, 0, max_lane_rows, "groups");
  sums.groups.where(sums.groups.x < length / lanes && sums.groups.y < lane_rows);
  add(lane, sums.groups.x * lanes + lane, sums.groups.y);
  sums.vectors = RDom(0, vector, 0, lanes / vector - 1, 0, max_lane_rows, "vectors");
  sums.vectors.where(sums.vectors.y < (length % lanes) / vector && sums.vectors.z < lane_rows);
  const Expr in_group = sums.vectors.y * vector + sums.vectors.x;
  // On a CPU the first vector takes all, so that it can stay in a register.
  add(vector > 1 ? Expr(sums.vectors.x) : in_group, (length / lanes) * lanes + in_group, sums.vectors.z);
  if (vector > 1) {
    // The end of a row: its last vector, less the lanes that were counted before; a row shorter than that value by value. Always
    // whole vectors, which stay in their register.
    const Expr left = length % vector;
    sums.last = RDom(0, vector, 0, 1, "last");
    sums.last.where(length >= vector && left != 0);
    add(sums.last.x, length - vector + sums.last.x, 0, sums.last.x >= vector - left);
    sums.singles = RDom(0, vector, 0, vector - 1, "singles");
    sums.singles.where(length < vector && sums.singles.y < length);
    add(sums.singles.x, sums.singles.y, 0, sums.singles.x == 0);
  }

  sums.rows = RDom(0, lanes / shape.folds, 0, max_fold_rows, "rows");
  sums.rows.where(sums.rows.y < fold_rows);
  const FuncRef lane_sum = sums.lanes(fold + sums.rows.x * shape.folds, sums.rows.y, st.ks, st.kr, st.g, st.b);
  const FuncRef folds = sums.folds(fold, st.ks, st.kr, st.g, st.b);
  sums.folds(fold, st.ks, st.kr, st.g, st.b) = Tuple(zero, zero);
  sums.folds(fold, st.ks, st.kr, st.g, st.b) = Tuple(folds[0] + lane_sum[0], folds[1] + lane_sum[1]);

  sums.fold_total = RDom(0, shape.folds, "fold_total");
  const FuncRef of_fold = sums.folds(sums.fold_total, st.ks, st.kr, st.g, st.b);
  const FuncRef total = sums.total(st.ks, st.kr, st.g, st.b);
  sums.total(st.ks, st.kr, st.g, st.b) = Tuple(cast<double>(0), cast<double>(0));
  sums.total(st.ks, st.kr, st.g, st.b) =
      Tuple(total[0] + cast<double>(of_fold[0]), total[1] + cast<double>(of_fold[1]));
  return sums;
}

}  // namespace

Expr sampled_centre(const Expr &first, const Expr &sum, const Expr &sum_of_magnitudes, const Expr &count) {
  const Type type = first.type(), integer = type.with_code(Type::UInt);
  const Expr zero = cast(type, 0), reciprocal = cast(type, 1) / cast(type, count);
  const Expr shift = cast(type, sum) * reciprocal, magnitude = cast(type, sum_of_magnitudes) * reciprocal;
  const Expr exponent = cast(integer, Expr(type.bits() == 32 ? uint64_t{0x7f800000} : uint64_t{0x7ff0000000000000}));
  const Expr grid = reinterpret(type, reinterpret(integer, magnitude) & exponent) / cast(type, 16);
  const Expr centre = strict_float(first + select(grid > zero, round(shift / grid) * grid, zero));
  return if_finite(centre, centre);
}

BlockStatistics block_statistics(const Func &x, const BlockShape &shape, const Lanes &lanes) {
  BlockStatistics st;
  // Sums keep within a block, and blocks within the set: bounds inference need not prove it again.
  auto value = [&](const Expr &s, const Expr &r) {
    return x(unsafe_promise_clamped(st.ks * shape.block_s + s, 0, shape.S - 1),
             unsafe_promise_clamped(st.kr * shape.block_r + r, 0, shape.R - 1), st.g, st.b);
  };
  const Expr length = shape.length_s(st.ks), rows = shape.length_r(st.kr);
  const Expr first = value(0, 0);
  const Part sample = sample_of(shape, length, rows, lanes.lanes);
  st.sample = lane_sums(st, sample, lanes, first.type(), [&](const Expr &s, const Expr &r) {
    const Expr d = difference(value(s, r), first);
    return Tuple(d, abs(d));
  });
  const std::vector<Expr> at{st.ks, st.kr, st.g, st.b};
  st.centre(at) = sampled_centre(first, st.sample.total(at)[0], st.sample.total(at)[1], sample.length * sample.runs);

  const Part all{length, shape.block_s, rows, shape.block_r, 0, 0, 1};
  st.deviation = lane_sums(st, all, lanes, first.type(), [&](const Expr &s, const Expr &r) {
    const Expr d = difference(value(s, r), st.centre(at));
    return Tuple(d, d * d);
  });
  st.block(at) =
      block_moments(st.centre(at), st.deviation.total(at)[0], st.deviation.total(at)[1], shape.count(st.ks, st.kr));
  return st;
}

Tuple block_moments(const Expr &centre, const Expr &sum, const Expr &sum_of_squares, const Expr &count) {
  return Tuple(cast<double>(centre) + sum / count, sum_of_squares - sum * sum / count);
}

Tuple statistic(const Type &type, const Expr &mean, const Expr &m2, const Expr &count) {
  const Expr hi = cast(type, mean);
  // Strict: otherwise a compiler may take the rounded mean for the mean, and its rounding error for 0.
  const Expr lo = strict_float(cast(type, mean - cast<double>(hi)));
  return Tuple(hi, if_finite(mean, lo), cast(type, m2 / count));
}

MergedStatistics merge_blocks(const std::function<Expr(Expr, Expr, Expr, Expr)> &mean,
                              const std::function<Expr(Expr, Expr, Expr, Expr)> &m2, const BlockShape &shape,
                              const Type &type) {
  MergedStatistics st;
  st.blocks = RDom(0, shape.blocks_s(), 0, shape.blocks_r(), "blocks");
  const RVar ks = st.blocks.x, kr = st.blocks.y;
  const Expr count = cast<double>(shape.S) * cast<double>(shape.R);
  st.sum(st.g, st.b) += shape.count(ks, kr) * mean(ks, kr, st.g, st.b);
  st.mean(st.g, st.b) = strict_float(st.sum(st.g, st.b) / count);
  const Expr between = mean(ks, kr, st.g, st.b) - st.mean(st.g, st.b);
  st.m2(st.g, st.b) += m2(ks, kr, st.g, st.b) + shape.count(ks, kr) * between * between;
  st.statistic(st.g, st.b) = statistic(type, st.mean(st.g, st.b), st.m2(st.g, st.b), count);
  return st;
}

}  // namespace halogen

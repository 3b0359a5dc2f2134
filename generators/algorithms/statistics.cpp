#include "statistics.h"

namespace halogen {

using namespace Halide;

Expr difference(const Expr &x, const Expr &centre) { return strict_float(x - centre); }

Expr if_finite(const Expr &test, const Expr &value) {
  return select(strict_float(test - test == cast(test.type(), 0)), value, cast(value.type(), 0));
}

namespace {

Expr ceil_div(const Expr &a, const Expr &b) { return (a + b - 1) / b; }

/// About an eighth of a block: a piece of every second row, by fours from the rows' beginning to their end, so that a ramp's mean is
/// found. Pieces are whole vectors, the four of eight rows together as much as one of them; of fewer rows as many eighths of one; all of
/// a row that is less than a vector.
Part sample_of(const BlockShape &shape, const Expr &length, const Expr &rows, int vector) {
  constexpr int kEighth = 8, kPieces = 4;
  const Expr piece = ceil_div(length / vector * min(rows, kEighth), kPieces * kEighth) * vector;
  const Expr apart = select(length < vector, 0, (length - piece) / (kPieces - 1));
  return {piece,
          shape.block_s,
          length,
          kPieces * ceil_div(rows, kEighth),
          kPieces * shape.block_r,
          [=](const Expr &run) { return min(run * (kEighth / kPieces), rows - 1); },
          [=](const Expr &run) { return run % kPieces * apart; },
          Internal::const_true()};
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
  const auto &[ks, kr, g, b] = st.vars;
  const std::vector<Expr> at{ks, kr, g, b};
  // Sums keep within a block, and blocks within the set: bounds inference need not prove it again.
  auto value = [&](const Expr &s, const Expr &r) {
    return x(unsafe_promise_clamped(st.vars.ks * shape.block_s + s, 0, shape.S - 1),
             unsafe_promise_clamped(st.vars.kr * shape.block_r + r, 0, shape.R - 1), st.vars.g, st.vars.b);
  };
  const Expr length = shape.length_s(ks), rows = shape.length_r(kr);
  const Expr first = value(0, 0);
  const int vector = lanes.threads ? 1 : lanes.lanes;
  const Part sample = sample_of(shape, length, rows, vector);
  st.sample = lane_sums(st.vars, sample, lanes, first.type(), [&](const Expr &s, const Expr &r) {
    const Expr d = difference(value(s, r), first);
    return Tuple(d, abs(d));
  });
  st.centre(at) = sampled_centre(first, st.sample.total(at)[0], st.sample.total(at)[1],
                                 select(length < vector, length, sample.length) * sample.runs);

  st.deviation =
      lane_sums(st.vars, whole_block(shape, length, rows), lanes, first.type(), [&](const Expr &s, const Expr &r) {
        const Expr d = difference(value(s, r), st.centre(at));
        return Tuple(d, d * d);
      });
  st.block(at) =
      block_moments(st.centre(at), st.deviation.total(at)[0], st.deviation.total(at)[1], shape.count(ks, kr));
  return st;
}

Tuple block_moments(const Expr &centre, const Expr &sum, const Expr &sum_of_squares, const Expr &count) {
  const Expr shift = sum / count;
  return Tuple(cast<double>(centre) + shift, sum_of_squares - sum * shift);
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

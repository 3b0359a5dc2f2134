#include "slab_statistics.h"

namespace halogen {

using namespace Halide;

namespace {

// sum over s of value(j*S + s), for a value(i, kr, t) in f32.
ChannelSum channel_sum(const std::function<Expr(Expr)> &value, const SlabStatistics &st, const Expr &S, int vector) {
  ChannelSum sum;
  const std::vector<Expr> at{st.j, st.kr, st.t};
  sum.vectors = RDom(0, S / vector, "vectors");
  sum.lanes = RDom(0, vector, "lanes");
  sum.singles = RDom(0, vector - 1, "singles");
  sum.singles.where(sum.singles < S % vector);
  auto in_channel = [&](const Expr &s) { return cast<double>(value(st.j * S + unsafe_promise_clamped(s, 0, S - 1))); };
  sum.folds(st.lane, st.j, st.kr, st.t) += in_channel(sum.vectors * vector + st.lane);
  sum.total(at) += sum.folds(sum.lanes, st.j, st.kr, st.t);
  sum.total(at) += in_channel((S / vector) * vector + sum.singles);
  return sum;
}

}  // namespace

SlabStatistics slab_statistics(const Func &x, const Expr &slab, const Expr &S, const Expr &R, const Expr &block_r,
                               int vector) {
  SlabStatistics st;
  const Var &i = st.i, &j = st.j, &kr = st.kr, &t = st.t;
  const BlockShape shape{S, R, S, block_r};
  const Expr length = shape.length_r(kr);
  auto value = [&](const Expr &i, const Expr &r) {
    return x(i, unsafe_promise_clamped(kr * block_r + r, 0, R - 1), t);
  };

  // Four rows at a time: the sums of an i are loaded and stored once for four values.
  st.row_quads = RDom(0, 4, 0, block_r / 4, "row_quads");
  st.row_quads.where(st.row_quads.y < length / 4);
  st.row_singles = RDom(0, 3, "row_singles");
  st.row_singles.where(st.row_singles < length % 4);
  const Expr quad_row = st.row_quads.y * 4 + st.row_quads.x, single_row = (length / 4) * 4 + st.row_singles;

  st.shift(i, kr, t) = 0.0f;
  for (const Expr &row : {quad_row, single_row}) {
    st.shift(i, kr, t) += difference(value(i, row), value(i, 0));
  }
  st.first_sum = channel_sum([&](const Expr &i) { return value(i, 0); }, st, S, vector);
  st.shift_sum = channel_sum([&](const Expr &i) { return st.shift(i, kr, t); }, st, S, vector);
  const Expr mean = strict_float((st.first_sum.total(j, kr, t) + st.shift_sum.total(j, kr, t) / cast<double>(length)) /
                                 cast<double>(S));
  st.centre(j, kr, t) = if_finite(mean, cast<float>(mean));
  st.channels = RDom(0, S, 0, slab, "channels");
  st.centre_i(i, kr, t) = undef<float>();
  st.centre_i(st.channels.y * S + st.channels.x, kr, t) = st.centre(st.channels.y, kr, t);

  st.deviation(i, kr, t) = Tuple(0.0f, 0.0f);
  for (const Expr &row : {quad_row, single_row}) {
    const Expr d = difference(value(i, row), st.centre_i(i, kr, t));
    st.deviation(i, kr, t) = Tuple(st.deviation(i, kr, t)[0] + d, st.deviation(i, kr, t)[1] + d * d);
  }
  st.deviation_sum = channel_sum([&](const Expr &i) { return st.deviation(i, kr, t)[0]; }, st, S, vector);
  st.square_sum = channel_sum([&](const Expr &i) { return st.deviation(i, kr, t)[1]; }, st, S, vector);
  st.block(j, kr, t) = block_moments(st.centre(j, kr, t), st.deviation_sum.total(j, kr, t),
                                     st.square_sum.total(j, kr, t), shape.count(0, kr));

  st.blocks = RDom(0, shape.blocks_r(), "blocks");
  const Expr count = cast<double>(S) * cast<double>(R);
  st.sum(j, t) += shape.count(0, st.blocks) * st.block(j, st.blocks, t)[0];
  st.mean(j, t) = strict_float(st.sum(j, t) / count);
  const Expr between = st.block(j, st.blocks, t)[0] - st.mean(j, t);
  st.m2(j, t) += st.block(j, st.blocks, t)[1] + shape.count(0, st.blocks) * between * between;
  st.statistic(j, t) = statistic(st.mean(j, t), st.m2(j, t), count);
  return st;
}

}  // namespace halogen

#include "slab_statistics.h"

namespace halogen {

using namespace Halide;

namespace {

// sum of value(i) over the i's of set q.
SetSum set_sum(const std::function<Expr(Expr)> &value, const SlabStatistics &st, const Expr &width, int vector) {
  SetSum sum;
  const std::vector<Expr> at{st.q, st.k, st.t, st.b};
  sum.vectors = RDom(0, width / vector, "vectors");
  sum.lanes = RDom(0, vector, "lanes");
  sum.singles = RDom(0, vector - 1, "singles");
  sum.singles.where(sum.singles < width % vector);
  auto in_set = [&](const Expr &w) { return value(st.q * width + unsafe_promise_clamped(w, 0, width - 1)); };
  sum.folds(st.lane, st.q, st.k, st.t, st.b) += in_set(sum.vectors * vector + st.lane);
  sum.total(at) += sum.folds(sum.lanes, st.q, st.k, st.t, st.b);
  sum.total(at) += in_set((width / vector) * vector + sum.singles);
  return sum;
}

}  // namespace

Expr SlabShape::chunks() const { return (rows + chunk_rows - 1) / chunk_rows; }

Expr slab_count(const SlabShape &shape, const Expr &k) {
  return cast<double>(shape.width) * cast<double>(min(shape.chunk_rows, shape.rows - k * shape.chunk_rows));
}

SlabStatistics slab_statistics(const Func &x, const SlabShape &shape, int vector) {
  constexpr int kEighth = 8, kQuad = 4;
  SlabStatistics st;
  const Var &i = st.i, &kr = st.kr, &k = st.k, &t = st.t, &b = st.b;
  const std::vector<Expr> at_block{i, kr, k, t, b}, at_row{i, k, t, b}, at_set{st.q, k, t, b};
  const BlockShape rows{shape.width, min(shape.chunk_rows, shape.rows - k * shape.chunk_rows), shape.width,
                        shape.block_rows};
  const Expr length = rows.length_r(kr);
  auto value = [&](const Expr &r) {
    return x(i, unsafe_promise_clamped(k * shape.chunk_rows + kr * shape.block_rows + r, 0, shape.rows - 1), t, b);
  };
  const Expr first = value(0), zero = cast(first.type(), 0);

  const Expr sampled = (length + kEighth - 1) / kEighth;
  st.sample_rows = RDom(0, (shape.block_rows + kEighth - 1) / kEighth, "sample_rows");
  st.sample_rows.where(st.sample_rows < sampled);
  st.sample(at_block) = Tuple(zero, zero);
  const Expr from_first = difference(value(st.sample_rows), first);
  st.sample(at_block) = Tuple(st.sample(at_block)[0] + from_first, st.sample(at_block)[1] + abs(from_first));
  st.centre(at_block) = sampled_centre(first, st.sample(at_block)[0], st.sample(at_block)[1], sampled);

  // Four rows at a time: the sums of an i are loaded and stored once for four values.
  st.row_quads = RDom(0, kQuad, 0, shape.block_rows / kQuad, "row_quads");
  st.row_quads.where(st.row_quads.y < length / kQuad);
  st.row_singles = RDom(0, kQuad - 1, "row_singles");
  st.row_singles.where(st.row_singles < length % kQuad);
  st.deviation(at_block) = Tuple(zero, zero);
  for (const Expr &row : {Expr(st.row_quads.y * kQuad + st.row_quads.x), (length / kQuad) * kQuad + st.row_singles}) {
    const Expr d = difference(value(row), st.centre(at_block));
    st.deviation(at_block) = Tuple(st.deviation(at_block)[0] + d, st.deviation(at_block)[1] + d * d);
  }
  const Expr count = cast<double>(length);
  // The sum, not the mean: nothing is divided before all is added up, so that the means of small integers are exact.
  const Expr deviation = cast<double>(st.deviation(at_block)[0]);
  st.block(at_block) = Tuple(count * cast<double>(st.centre(at_block)) + deviation,
                             cast<double>(st.deviation(at_block)[1]) - deviation * deviation / count);

  st.blocks = RDom(0, (shape.chunk_rows + shape.block_rows - 1) / shape.block_rows, "blocks");
  st.blocks.where(st.blocks < rows.blocks_r());
  const Expr block_count = cast<double>(rows.length_r(st.blocks));
  const FuncRef block = st.block(i, st.blocks, k, t, b);
  st.row_sum(at_row) += block[0];
  st.row_mean(at_row) = strict_float(st.row_sum(at_row) / cast<double>(rows.R));
  const Expr between_blocks = block[0] / block_count - st.row_mean(at_row);
  st.row_m2(at_row) += block[1] + block_count * between_blocks * between_blocks;

  st.mean_sum = set_sum([&](const Expr &i) { return st.row_sum(i, k, t, b); }, st, shape.width, vector);
  st.mean(at_set) = strict_float(st.mean_sum.total(at_set) / (cast<double>(shape.width) * cast<double>(rows.R)));
  st.m2_sum = set_sum(
      [&](const Expr &i) {
        const Expr between = st.row_mean(i, k, t, b) - st.mean(at_set);
        return st.row_m2(i, k, t, b) + cast<double>(rows.R) * between * between;
      },
      st, shape.width, vector);
  st.moments(at_set) = Tuple(st.mean(at_set), st.m2_sum.total(at_set));
  return st;
}

}  // namespace halogen

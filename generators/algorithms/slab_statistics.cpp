#include "slab_statistics.h"

namespace halogen {

using namespace Halide;

Expr slab_count(const SlabShape &shape, const Expr &k) {
  return cast<double>(shape.width) * cast<double>(shape.chunk_length(k));
}

SlabStatistics slab_statistics(const Func &x, const SlabShape &shape, int vector) {
  constexpr int kSample = 16;  // rows: an eighth of a large block, all of a small one
  SlabStatistics st;
  const auto &[i, q, kr, k, t, b] = st.vars;
  const std::vector<Expr> at_block{i, kr, k, t, b}, at_row{i, k, t, b}, at_set{q, k, t, b};
  const Expr length = shape.length(kr, k), chunk_length = cast<double>(shape.chunk_length(k));
  auto value = [&](const Expr &r) { return x(st.vars.i, r, st.vars.t, st.vars.b); };
  // The last chunk may have fewer blocks than the others: what is computed of those it has not is never used, but must be memory.
  const Expr first_row = min(k * shape.chunk_rows + kr * shape.block_rows, shape.rows - 1);
  const Expr first = value(first_row);

  const Expr sampled = min(length, kSample);
  st.sample = row_sums(st.vars, shape, sampled, kSample, first.type(), [&](const Expr &r) {
    const Expr d = difference(value(r), first);
    return Tuple(d, abs(d));
  });
  const FuncRef sample = st.sample.sums(at_block);
  st.centre(at_block) = sampled_centre(first, sample[0], sample[1], sampled);

  st.deviation = row_sums(st.vars, shape, length, shape.block_rows, first.type(), [&](const Expr &r) {
    const Expr d = difference(value(r), st.centre(at_block));
    return Tuple(d, d * d);
  });
  // The sum, not the mean: nothing is divided before all is added up, so that the means of small integers are exact.
  const Expr count = cast<double>(length), deviation = cast<double>(st.deviation.sums(at_block)[0]);
  st.block(at_block) = Tuple(count * cast<double>(st.centre(at_block)) + deviation,
                             cast<double>(st.deviation.sums(at_block)[1]) - deviation * deviation / count);

  st.blocks = RDom(0, shape.blocks(), "blocks");
  st.blocks.where(st.blocks * shape.block_rows < shape.chunk_length(k));
  const Expr block_count = cast<double>(shape.length(st.blocks, k));
  const FuncRef block = st.block(i, st.blocks, k, t, b);
  st.row_sum(at_row) += block[0];
  st.row_mean(at_row) = strict_float(st.row_sum(at_row) / chunk_length);
  const Expr between_blocks = block[0] / block_count - st.row_mean(at_row);
  st.row_m2(at_row) += block[1] + block_count * between_blocks * between_blocks;

  st.mean_sum = set_sum(st.vars, shape.width, vector,
                        [&](const Expr &at) { return st.row_sum(at, st.vars.k, st.vars.t, st.vars.b); });
  st.mean(at_set) = strict_float(st.mean_sum.total(at_set) / slab_count(shape, k));
  st.m2_sum = set_sum(st.vars, shape.width, vector, [&](const Expr &at) {
    const Expr between = st.row_mean(at, st.vars.k, st.vars.t, st.vars.b) - st.mean(at_set);
    return st.row_m2(at, st.vars.k, st.vars.t, st.vars.b) + chunk_length * between * between;
  });
  st.moments(at_set) = Tuple(st.mean(at_set), st.m2_sum.total(at_set));
  return st;
}

}  // namespace halogen

#include "slab_sums.h"

namespace halogen {

using namespace Halide;

Expr SlabShape::chunks() const { return (rows + chunk_rows - 1) / chunk_rows; }
Expr SlabShape::blocks() const {
  return blocks_at_once > 0 ? Expr(blocks_at_once) : (chunk_rows + block_rows - 1) / block_rows;
}
Expr SlabShape::chunk_length(const Expr &k) const { return min(chunk_rows, rows - k * chunk_rows); }
Expr SlabShape::length(const Expr &kr, const Expr &k) const {
  return min(block_rows, chunk_length(k) - kr * block_rows);
}
Expr SlabShape::row(const Expr &kr, const Expr &k, const Expr &r) const {
  // Rows keep within a block, and blocks within the tensor: bounds inference need not prove it again.
  return unsafe_promise_clamped(k * chunk_rows + kr * block_rows + r, 0, rows - 1);
}

RowSums row_sums(const SlabVars &at, const SlabShape &shape, const Expr &length, const Expr &max_length,
                 const Type &type, const std::function<Tuple(Expr r)> &term) {
  constexpr int kQuad = 4;
  const std::vector<Expr> block{at.i, at.kr, at.k, at.t, at.b};
  const Expr zero = cast(type, 0);
  RowSums sum;
  // Four rows at a time: the sums of an i are loaded and stored once for four values. They are a quarter of the block apart, so that
  // each is read in the order of memory: rows side by side are lines of one page in turns, which no prefetcher follows. Zen 3, 2026-11,
  // 256 channels from memory: 0.95 -> 0.42 of a copy's time. Many rows have odd quarters: even ones may be whole pages, whose lines share
  // a set of the first-level cache.
  const Expr quarter = select(length >= kManyRows, (length / kQuad - 1) | 1, length / kQuad);
  sum.quads = RDom(0, kQuad, 0, max_length / kQuad, "row_quads");
  sum.quads.where(sum.quads.y < quarter);
  sum.singles = RDom(0, 2 * kQuad - 1, "row_singles");
  sum.singles.where(sum.singles < length - kQuad * quarter);
  sum.sums(block) = Tuple(zero, zero);
  for (const Expr &r : {Expr(sum.quads.x * quarter + sum.quads.y), kQuad * quarter + sum.singles}) {
    const Tuple terms = term(shape.row(at.kr, at.k, r));
    sum.sums(block) = Tuple(sum.sums(block)[0] + terms[0], sum.sums(block)[1] + terms[1]);
  }
  return sum;
}

SetSum set_sum(const SlabVars &at, const Expr &width, int vector, const std::function<Expr(Expr)> &value) {
  SetSum sum;
  const std::vector<Expr> set{at.q, at.k, at.t, at.b};
  sum.vectors = RDom(0, width / vector, "vectors");
  sum.lanes = RDom(0, vector, "lanes");
  sum.lanes.where(width >= vector);  // channel-last sets are one i: nothing of the folds is computed for them
  sum.singles = RDom(0, vector - 1, "singles");
  sum.singles.where(sum.singles < width % vector);
  auto in_set = [&](const Expr &w) { return value(at.q * width + unsafe_promise_clamped(w, 0, width - 1)); };
  sum.folds(sum.lane, at.q, at.k, at.t, at.b) += in_set(sum.vectors * vector + sum.lane);
  sum.total(set) += sum.folds(sum.lanes, at.q, at.k, at.t, at.b);
  sum.total(set) += in_set((width / vector) * vector + sum.singles);
  return sum;
}

SlabSums slab_sums(const SlabVars &at, const SlabShape &shape, const Type &type, int vector,
                   const std::function<Tuple(Expr r)> &term) {
  SlabSums sum;
  const std::vector<Expr> row{at.i, at.k, at.t, at.b};
  sum.rows = row_sums(at, shape, shape.length(at.kr, at.k), shape.block_rows, type, term);
  sum.blocks = RDom(0, shape.blocks(), "blocks");
  sum.blocks.where(sum.blocks * shape.block_rows < shape.chunk_length(at.k));
  const FuncRef block = sum.rows.sums(at.i, sum.blocks, at.k, at.t, at.b);
  sum.by_row(row) = Tuple(cast<double>(0), cast<double>(0));
  sum.by_row(row) = Tuple(sum.by_row(row)[0] + cast<double>(block[0]), sum.by_row(row)[1] + cast<double>(block[1]));
  const auto by_row = [&](int which) {
    return [=](const Expr &i) -> Expr { return sum.by_row(i, at.k, at.t, at.b)[which]; };
  };
  sum.first = set_sum(at, shape.width, vector, by_row(0));
  sum.second = set_sum(at, shape.width, vector, by_row(1));
  return sum;
}

}  // namespace halogen

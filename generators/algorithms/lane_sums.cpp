#include "lane_sums.h"

namespace halogen {

using namespace Halide;

Expr BlockShape::blocks_s() const { return (S + block_s - 1) / block_s; }
Expr BlockShape::blocks_r() const { return (R + block_r - 1) / block_r; }
Expr BlockShape::length_s(const Expr &ks) const { return min(block_s, S - ks * block_s); }
Expr BlockShape::length_r(const Expr &kr) const { return min(block_r, R - kr * block_r); }
Expr BlockShape::count(const Expr &ks, const Expr &kr) const {
  return cast<double>(length_s(ks)) * cast<double>(length_r(kr));
}

LaneSums lane_sums(const BlockVars &at, const Part &part, const Lanes &shape, const Type &type,
                   const std::function<Tuple(Expr s, Expr r)> &term) {
  const int lanes = shape.lanes, vector = shape.vector;
  const Expr &length = part.length, &max_length = part.max_length, &rows = part.runs, &max_rows = part.max_runs;
  const Expr lane_rows = shape.all_rows ? rows : 1, max_lane_rows = shape.all_rows ? max_rows : 1;
  const Expr fold_rows = shape.all_rows ? 1 : rows, max_fold_rows = shape.all_rows ? 1 : max_rows;
  const Expr zero = cast(type, 0);
  LaneSums sums;
  const Var &lane = sums.lane, &row = sums.row, &fold = sums.fold;
  auto add = [&](const Expr &to, const Expr &s, const Expr &r, const Expr &counts = Expr(true)) {
    const FuncRef sum = sums.lanes(to, row, at.ks, at.kr, at.g, at.b);
    const Expr run = row + r;
    const Tuple terms = term(s + (run & part.halves) * part.offset, (run >> part.halves) * part.row_step);
    sums.lanes(to, row, at.ks, at.kr, at.g, at.b) =
        Tuple(sum[0] + select(counts, terms[0], zero), sum[1] + select(counts, terms[1], zero));
  };
  sums.lanes(lane, row, at.ks, at.kr, at.g, at.b) = Tuple(zero, zero);
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
  const FuncRef lane_sum = sums.lanes(fold + sums.rows.x * shape.folds, sums.rows.y, at.ks, at.kr, at.g, at.b);
  const FuncRef folds = sums.folds(fold, at.ks, at.kr, at.g, at.b);
  sums.folds(fold, at.ks, at.kr, at.g, at.b) = Tuple(zero, zero);
  sums.folds(fold, at.ks, at.kr, at.g, at.b) = Tuple(folds[0] + lane_sum[0], folds[1] + lane_sum[1]);

  sums.fold_total = RDom(0, shape.folds, "fold_total");
  const FuncRef of_fold = sums.folds(sums.fold_total, at.ks, at.kr, at.g, at.b);
  const FuncRef total = sums.total(at.ks, at.kr, at.g, at.b);
  sums.total(at.ks, at.kr, at.g, at.b) = Tuple(cast<double>(0), cast<double>(0));
  sums.total(at.ks, at.kr, at.g, at.b) =
      Tuple(total[0] + cast<double>(of_fold[0]), total[1] + cast<double>(of_fold[1]));
  return sums;
}

}  // namespace halogen

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
  const int lanes = shape.lanes, streams = shape.streams;
  const Expr &length = part.length, &max_length = part.max_length, &runs = part.runs, &max_runs = part.max_runs;
  const Expr by_runs = shape.threads ? Internal::const_true() : part.by_runs;
  const Expr parts = select(by_runs, 1, streams), stream_runs = runs * parts / streams;
  const Expr groups = length / (lanes * parts);
  const Expr lane_rows = shape.threads ? runs : 1, max_lane_rows = shape.threads ? max_runs : 1;
  const Expr fold_rows = shape.threads ? 1 : stream_runs, max_fold_rows = shape.threads ? 1 : max_runs;
  const Expr zero = cast(type, 0);
  LaneSums sums;
  const Var &lane = sums.lane, &stream = sums.stream, &row = sums.row, &fold = sums.fold;
  const auto add = [&](const Expr &to, const Expr &s, const Expr &r, const Expr &counts = Expr(true)) {
    const FuncRef sum = sums.lanes(to, stream, row, at.ks, at.kr, at.g, at.b);
    const Expr run = row + r + select(by_runs, stream * stream_runs, 0);
    const Tuple terms = term(s + part.begin(run), part.row(run));
    sums.lanes(to, stream, row, at.ks, at.kr, at.g, at.b) =
        Tuple(sum[0] + select(counts, terms[0], zero), sum[1] + select(counts, terms[1], zero));
  };
  sums.by_runs = by_runs;
  sums.lanes(lane, stream, row, at.ks, at.kr, at.g, at.b) = Tuple(zero, zero);
  sums.groups = RDom(0, max_length / lanes, 0, max_lane_rows, "groups");
  sums.groups.where(sums.groups.x < groups && sums.groups.y < lane_rows);
  add(lane, (sums.groups.x * parts + select(by_runs, 0, stream)) * lanes + lane, sums.groups.y);
  if (shape.threads) {
    sums.rest = RDom(0, lanes - 1, 0, max_lane_rows, "rest");
    sums.rest.where(sums.rest.x < length % lanes && sums.rest.y < lane_rows);
    add(sums.rest.x, groups * lanes + sums.rest.x, sums.rest.y);
  } else {
    // The end of a row, a vector for each stream. Streams of one row take what is left in whole vectors, and the last of them what is
    // less than one: the row's last vector, less the lanes that were counted before. A row shorter than that value by value.
    const Expr left = length % lanes, whole = select(by_runs, 0, length / lanes - streams * groups);
    const Expr takes_whole = stream < whole, takes_left = by_runs || stream == streams - 1;
    const Expr begin = select(takes_whole, (streams * groups + stream) * lanes, length - lanes);
    const Expr counted = select(takes_whole, 0, takes_left, lanes - left, lanes);
    sums.last = RDom(0, 1, "last");
    sums.last.where(length >= lanes && (left != 0 || whole != 0));
    add(lane, begin + lane + sums.last, 0, lane >= counted);
    sums.singles = RDom(0, lanes - 1, "singles");
    sums.singles.where(part.row_length < lanes && sums.singles.x < part.row_length);
    add(lane, sums.singles.x, 0, lane == 0 && (by_runs || stream == 0));
  }

  sums.rows = RDom(0, lanes / shape.folds, 0, streams, 0, max_fold_rows, "rows");
  sums.rows.where(sums.rows.z < fold_rows);
  const FuncRef lane_sum =
      sums.lanes(fold + sums.rows.x * shape.folds, sums.rows.y, sums.rows.z, at.ks, at.kr, at.g, at.b);
  const FuncRef folds = sums.folds(fold, at.ks, at.kr, at.g, at.b);
  sums.folds(fold, at.ks, at.kr, at.g, at.b) = Tuple(zero, zero);
  sums.folds(fold, at.ks, at.kr, at.g, at.b) = Tuple(folds[0] + lane_sum[0], folds[1] + lane_sum[1]);

  const auto in_f64 = [&](const Func &of, const Expr &i) {
    const FuncRef sum = of(i, at.ks, at.kr, at.g, at.b);
    return Tuple(cast<double>(sum[0]), cast<double>(sum[1]));
  };
  const auto both = [](const Tuple &a, const Tuple &b) { return Tuple(a[0] + b[0], a[1] + b[1]); };
  if (shape.threads) {
    sums.all = RDom(0, shape.folds, "all");
    const FuncRef total = sums.total(at.ks, at.kr, at.g, at.b);
    sums.total(at.ks, at.kr, at.g, at.b) = Tuple(cast<double>(0), cast<double>(0));
    sums.total(at.ks, at.kr, at.g, at.b) = both(Tuple(total[0], total[1]), in_f64(sums.folds, sums.all));
  } else {
    // By halves: one sum after the other would wait for each.
    Func whole = sums.folds;
    for (int n = shape.folds / 2; n > 1; n /= 2) {
      Func halves("halves");
      halves(fold, at.ks, at.kr, at.g, at.b) = both(in_f64(whole, fold), in_f64(whole, fold + n));
      sums.halves.push_back(whole = halves);
    }
    sums.total(at.ks, at.kr, at.g, at.b) = both(in_f64(whole, 0), in_f64(whole, 1));
  }
  return sums;
}

}  // namespace halogen

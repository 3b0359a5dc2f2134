// y(i, r, t) = (x - mean) / sqrt(var + eps) * weight + bias with given statistics, for many short rows; lanes run along
// i = j*S + s, across the channels j of slab t. Vectors: (j, t).
#include "algorithms/normalize.h"
#include "schedules/buffers.h"
#include "schedules/slab_schedule.h"

using namespace Halide;

class NormApplySlab : public Generator<NormApplySlab> {
 public:
  Input<Buffer<float, 3>> x{"x"};                                              // i, r, t
  Input<Buffer<float, 2>> mean_hi{"mean_hi"}, mean_lo{"mean_lo"}, var{"var"};  // j, t
  Input<Buffer<float, 2>> weight{"weight"}, bias{"bias"};                      // j, t
  Input<bool> has_lo{"has_lo"}, has_weight{"has_weight"}, has_bias{"has_bias"};
  Input<double> eps{"eps"};
  Input<int> S{"S"};
  Input<int> grain{"grain"};        // rows in a task
  Output<Buffer<float, 3>> y{"y"};  // i, r, t; may be x itself

  void generate() {
    const Expr slab = x.dim(0).extent() / S;
    const halogen::Affine a = halogen::affine(select(has_lo, mean_lo(j, t), 0.0f), var(j, t), eps, has_weight,
                                              weight(j, t), has_bias, bias(j, t));
    expanded = halogen::expand_affine(mean_hi(j, t), a, j, t, slab, S);
    y(i, r, t) = halogen::normalize(x(i, r, t), expanded.all(i, t)[0], expanded.all(i, t)[1], expanded.all(i, t)[2]);
  }

  void schedule() {
    halogen::start_at_zero(x);
    halogen::same_shape(y, x);
    for (OutputImageParam vector : {OutputImageParam(mean_hi), OutputImageParam(mean_lo), OutputImageParam(var),
                                    OutputImageParam(weight), OutputImageParam(bias)}) {
      halogen::any_strides(vector);
    }
    // A task is a slab, or where there is one slab only, `grain` of its rows: the expanded vectors stay in L1 while
    // rows go by.
    const int vector = get_target().natural_vector_size<float>();
    Func out = y;
    Var rows("rows"), row("row");
    out.split(r, rows, row, grain, TailStrategy::GuardWithIf).reorder(i, row, rows, t).parallel(t).parallel(rows);
    out.vectorize(i, vector, TailStrategy::GuardWithIf).never_partition(row, rows, t);
    halogen::schedule_expanded(expanded, out, rows, vector);
  }

 private:
  Var i{"i"}, r{"r"}, t{"t"}, j{"j"};
  halogen::ExpandedAffine expanded;
};

HALIDE_REGISTER_GENERATOR(NormApplySlab, norm_apply_slab)

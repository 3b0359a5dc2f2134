// y(s, r, g, b) = (x - mean) / sqrt(var + eps) * weight + bias with given statistics; lanes run along s.
// mean, var: (g, b); weight, bias: (r, g). An index beyond a vector's extent wraps around: one vector serves all repetitions.
#include "algorithms/normalize.h"
#include "schedules/buffers.h"
#include "schedules/machine.h"

using namespace Halide;

class NormApplyRow : public Generator<NormApplyRow> {
 public:
  Input<Buffer<float, 4>> x{"x"};                                              // s, r, g, b
  Input<Buffer<float, 2>> mean_hi{"mean_hi"}, mean_lo{"mean_lo"}, var{"var"};  // g, b
  Input<Buffer<float, 2>> weight{"weight"}, bias{"bias"};                      // r, g
  Input<bool> has_lo{"has_lo"}, has_weight{"has_weight"}, has_bias{"has_bias"};
  Input<double> eps{"eps"};
  Input<int> grain{"grain"};        // g's in a task
  Output<Buffer<float, 4>> y{"y"};  // s, r, g, b; may be x itself

  void generate() {
    const Expr gs = g % mean_hi.dim(0).extent(), gw = g % weight.dim(1).extent();
    const halogen::Affine a = halogen::affine(select(has_lo, mean_lo(gs, b), 0.0f), var(gs, b), eps, has_weight,
                                              weight(r, gw), has_bias, bias(r, gw));
    scale(r, g, b) = a.scale;
    shift(r, g, b) = a.shift;
    y(s, r, g, b) = halogen::normalize(x(s, r, g, b), mean_hi(gs, b), scale(r, g, b), shift(r, g, b));
  }

  void schedule() {
    const halogen::Machine machine = halogen::machine_of(get_target());
    halogen::start_at_zero(x);
    halogen::same_shape(y, x);
    for (OutputImageParam vector : {OutputImageParam(mean_hi), OutputImageParam(mean_lo), OutputImageParam(var),
                                    OutputImageParam(weight), OutputImageParam(bias)}) {
      halogen::any_strides(vector);
    }
    Func out = y;
    // In place works: a value is read only where it is written (GuardWithIf, never shifted inwards).
    if (machine.gpu) {
      // Blocks of 256 threads x 4 values along s. scale and shift are computed by every thread: cheaper than sharing them.
      // Sets go first: only a grid's first dimension may exceed 65535.
      Var outer("outer"), thread("thread"), item("item"), set("set");
      out.split(s, outer, thread, 4 * machine.lanes, TailStrategy::GuardWithIf)
          .split(thread, item, thread, machine.lanes)
          .fuse(g, b, set)
          .reorder(item, thread, set, outer, r)
          .gpu_blocks(set, outer, r)
          .gpu_threads(thread);
      scale.compute_at(out, thread);
      shift.compute_at(out, thread);
    } else {
      Var outer("outer"), inner("inner");
      out.reorder(s, r, g, b).split(g, outer, inner, grain, TailStrategy::GuardWithIf).parallel(b).parallel(outer);
      out.never_partition(r, inner, outer, b).vectorize(s, machine.vector, TailStrategy::GuardWithIf);
      scale.compute_at(out, r);
      shift.compute_at(out, r);
    }
  }

 private:
  Var s{"s"}, r{"r"}, g{"g"}, b{"b"};
  Func scale{"scale"}, shift{"shift"};
};

HALIDE_REGISTER_GENERATOR(NormApplyRow, norm_apply_row)

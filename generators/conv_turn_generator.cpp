// Rows to columns: y(c, i) = x(i, c). Whole squares of up to eight, which are turned in registers: each step
// interleaves the first half of the rows with the second.
#include <algorithm>
#include <vector>

#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class ConvTurn : public halogen::Kernel<ConvTurn> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 2>> x{"x"};   // i, c
  Output<Buffer<void, 2>> y{"y"};  // c, i

  void configure() {
    const Type type = halogen::Precision(dtype, get_target()).compute;
    x.set_type(type);
    y.set_type(type);
  }

  void generate() {
    side = std::min(8, get_target().natural_vector_size(y.type()));
    Func rows("rows");
    rows(lane, row, is, cs) = x(is * side + lane, cs * side + row);
    steps = {rows};
    for (int half = side / 2; half >= 1; half /= 2) {
      const Func before = steps.back();
      Func next("step");
      next(lane, row, is, cs) =
          select(lane % 2 == 0, before(lane / 2, row, is, cs), before(lane / 2, row + half, is, cs));
      steps.push_back(next);
    }
    y(c, i) = steps.back()(i % side * side + c % side, 0, i / side, c / side);
  }

  void schedule() {
    halogen::start_at_zero(x);
    halogen::start_at_zero(y);
    Func out = y;
    Var cs_out("cs_out"), is_out("is_out"), c_in("c_in"), i_in("i_in");
    out.split(c, cs_out, c_in, side, TailStrategy::RoundUp)
        .split(i, is_out, i_in, side, TailStrategy::RoundUp)
        .reorder(c_in, i_in, cs_out, is_out)
        .vectorize(c_in)
        .unroll(i_in);
    int width = side, height = side;
    for (Func f : steps) {
      f.compute_at(out, cs_out).bound(lane, 0, width).bound(row, 0, height);
      f.vectorize(lane, width).unroll(row);
      width *= 2;
      height /= 2;
    }
  }

 private:
  int side = 0;
  Var lane{"lane"}, row{"row"}, is{"is"}, cs{"cs"}, c{"c"}, i{"i"};
  std::vector<Func> steps;
};

HALIDE_REGISTER_GENERATOR(ConvTurn, conv_turn)

// Transposed convolution, gradients from their parts (GPUs): y(k, co, ci) = sum over the first `count` parts p of parts(k + K*co, ci, p)
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class ConvJoin : public halogen::Kernel<ConvJoin> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 3>> parts{"parts"};  // (k, co), ci, p
  Input<int> count{"count"};
  Output<Buffer<void, 3>> y{"y"};  // k, co, ci; any strides

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    parts.set_type(precision.compute);
    y.set_type(precision.storage);
  }

  void generate() {
    const RDom p(0, count, "p");
    const Expr m = clamp(k + co * y.dim(0).extent(), 0, parts.dim(0).extent() - 1);
    sum(k, co, ci) = cast(precision.compute, 0);
    sum(k, co, ci) += parts(m, ci, clamp(p, 0, parts.dim(2).extent() - 1));
    y(k, co, ci) = precision.encode(sum(k, co, ci));
  }

  void schedule() {
    halogen::start_at_zero(parts);
    halogen::any_strides(y);
    parts.dim(1).set_extent(y.dim(2).extent());
    constexpr int kThreads = 64;
    Var block("block"), thread("thread");
    Func out = y;
    out.fuse(k, co, k).fuse(k, ci, k).gpu_tile(k, block, thread, kThreads, TailStrategy::GuardWithIf);
    sum.compute_at(out, thread);
  }

 private:
  halogen::Precision precision;
  Var k{"k"}, co{"co"}, ci{"ci"};
  Func sum{"sum"};
};

HALIDE_REGISTER_GENERATOR(ConvJoin, conv_join)

// Moments of a batch from those of its parts k, which may be empty.
//   count = sum(n_k)   mean = sum(n_k mean_k) / count   M2 = sum(M2_k + n_k (mean_k - mean)^2)
// (Chan, Golub, LeVeque, "Algorithms for computing the sample variance", 1983, in its many-way form.) Of no values: all 0.
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class NormJoin : public halogen::Kernel<NormJoin> {
 public:
  Input<Buffer<double, 3>> parts{"parts"};            // g, moment, k
  GeneratorParam<std::string> dtype{"dtype", "f64"};  // as every kernel has; there is one
  Output<Buffer<double, 2>> moments{"moments"};       // g, moment: count, mean, M2

  void generate() {
    const RDom k(0, parts.dim(2).extent(), "k");
    const Expr count = parts(g, 0, k), zero = cast<double>(0);
    // What is said of no values is left out, whatever it is.
    auto of_values = [&](const Expr &value) { return select(count > zero, value, zero); };
    sum(g) = Tuple(zero, zero);
    sum(g) = Tuple(sum(g)[0] + count, sum(g)[1] + of_values(count * parts(g, 1, k)));
    const Expr total = sum(g)[0];
    mean(g) = select(total > zero, sum(g)[1] / total, zero);
    const Expr apart = parts(g, 1, k) - mean(g);
    m2(g) = zero;
    m2(g) += of_values(parts(g, 2, k) + count * apart * apart);
    moments(g, moment) = mux(moment, {total, mean(g), m2(g)});
  }

  void schedule() {
    halogen::start_at_zero(parts);
    halogen::start_at_zero(moments);
    Func out = moments;
    out.bound(moment, 0, 3).reorder(moment, g).unroll(moment);
    Var at = g;
    if (get_target().has_gpu_feature()) {
      Var outer("outer"), inner("inner");
      out.gpu_tile(g, outer, inner, 32, TailStrategy::GuardWithIf);
      at = inner;
    }
    for (Func f : {sum, mean, m2}) f.compute_at(out, at);
    sum.update().unscheduled();
    m2.update().unscheduled();
  }

 private:
  Var g{"g"}, moment{"moment"};
  Func sum{"sum"}, mean{"mean"}, m2{"m2"};
};

HALIDE_REGISTER_GENERATOR(NormJoin, norm_join)

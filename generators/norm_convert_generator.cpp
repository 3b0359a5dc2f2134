// A vector of parameters in the type that kernels compute in.
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class NormConvert : public halogen::Kernel<NormConvert> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f16, halogen::dtypes};
  Input<Buffer<void, 1>> stored{"stored"};
  Output<Buffer<void, 1>> value{"value"};

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    stored.set_type(precision.storage);
    value.set_type(precision.compute);
  }

  void generate() { value(c) = precision.decode(stored(c)); }

  void schedule() {
    halogen::start_at_zero(stored);
    halogen::same_shape(value, stored);
    if (get_target().has_gpu_feature()) {
      Var outer("outer"), inner("inner");
      Func(value).gpu_tile(c, outer, inner, 32, TailStrategy::GuardWithIf);
    }
  }

 private:
  Var c{"c"};
  halogen::Precision precision;
};

HALIDE_REGISTER_GENERATOR(NormConvert, norm_convert)

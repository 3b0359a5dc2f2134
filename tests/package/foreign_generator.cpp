// A kernel of some other Halide-based library that a program also links: doubles every value, on Halide's own thread pool.
#include <Halide.h>

class Foreign : public Halide::Generator<Foreign> {
 public:
  Input<Buffer<float, 1>> input{"input"};
  Output<Buffer<float, 1>> output{"output"};

  void generate() { output(x) = 2.0f * input(x); }

  void schedule() {
    Halide::Var xo("xo"), xi("xi");
    output.split(x, xo, xi, 8, Halide::TailStrategy::GuardWithIf).parallel(xo);
  }

 private:
  Halide::Var x{"x"};
};

HALIDE_REGISTER_GENERATOR(Foreign, foreign)

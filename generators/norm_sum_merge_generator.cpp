// Sums of channels from those of their blocks: the second part after norm_sums.
//   s1, s2 (g, b) = sums over ks and kr
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class NormSumMerge : public halogen::Kernel<NormSumMerge> {
 public:
  Input<Buffer<double, 4>> block_s1{"block_s1"}, block_s2{"block_s2"};  // ks, kr, g, b
  GeneratorParam<std::string> dtype{"dtype", "f64"};                    // as every kernel has; there is one
  Output<Func> sums{"sums", {Float(64), Float(64)}, 2};                 // g, b

  void generate() {
    const RDom blocks(0, block_s1.dim(0).extent(), 0, block_s1.dim(1).extent(), "blocks");
    total(g, b) = Tuple(cast<double>(0), cast<double>(0));
    total(g, b) =
        Tuple(total(g, b)[0] + block_s1(blocks.x, blocks.y, g, b), total(g, b)[1] + block_s2(blocks.x, blocks.y, g, b));
    sums(g, b) = total(g, b);
  }

  void schedule() {
    halogen::any_strides(block_s1);
    halogen::any_strides(block_s2);
    halogen::same_shape(block_s2, block_s1);
    const OutputImageParam first = Func(sums).output_buffers()[0];
    first.dim(0).set_bounds(0, block_s1.dim(2).extent());
    first.dim(1).set_bounds(0, block_s1.dim(3).extent());
    Func out = sums;
    if (get_target().has_gpu_feature()) {
      // One thread a channel: there are at most a few hundred blocks to it.
      Var outer("outer"), inner("inner");
      out.gpu_tile(g, outer, inner, 32, TailStrategy::GuardWithIf);
      total.compute_at(out, inner);
    } else {
      total.compute_at(out, g);
    }
    total.update().unscheduled();
  }

 private:
  Var g{"g"}, b{"b"};
  Func total{"total"};
};

HALIDE_REGISTER_GENERATOR(NormSumMerge, norm_sum_merge)

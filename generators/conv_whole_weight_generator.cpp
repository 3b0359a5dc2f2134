// Transposed convolution, parts of the gradient of its weights (GPUs):
//   y(k + K*co, ci, part) = sum over the part's samples n and positions l of f(x(l, ci, n)) * g'(stride*l + dilation*k - left, co, n)
// f = leaky_relu(v, input_slope), or 1 without has_input: then it is the gradient of the bias. g' as in conv_whole_input. Part i has
// positions of strip i % strips, `strip` of them, a multiple of what a tile takes, and the samples of set i / strips, `samples` of them.
#include "algorithms/activations.h"
#include "algorithms/conv_tiles.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/conv_gpu_schedule.h"

using namespace Halide;

class ConvWholeWeight : public halogen::Kernel<ConvWholeWeight> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 3>> x{"x"};                    // l, ci, n; any strides, and so the others
  Input<Buffer<void, 3>> g{"g"}, result{"result"};  // t, co, n
  Input<bool> has_input{"has_input"};
  Input<int> kernel{"kernel"}, stride{"stride"}, dilation{"dilation"}, left{"left"}, groups{"groups"};
  Input<int> strip{"strip"}, strips{"strips"}, samples{"samples"};
  Input<int> activation{"activation"};
  Input<double> slope{"slope"}, input_slope{"input_slope"};
  Output<Buffer<void, 3>> y{"y"};  // (k, co), ci, part

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    for (auto *tensor : {&x, &g, &result}) tensor->set_type(precision.storage);
    y.set_type(precision.compute);
  }

  void generate() {
    const Type type = precision.compute;
    const Expr zero = cast(type, 0), length = x.dim(0).extent(), out_length = g.dim(0).extent();
    const Expr group_in = halogen::quotient(x.dim(1).extent(), groups),
               group_out = halogen::quotient(g.dim(1).extent(), groups);
    const auto within = [](const Expr &e, const Expr &extent) { return clamp(e, 0, extent - 1); };
    const int side = halogen::conv_tile_side(type);
    const halogen::Tiles tiles = {side, side, kernel * group_out, group_in, groups, y.dim(2).extent()};
    const auto sample = [&](const Expr &tap, const Expr &tile) {
      return halogen::quotient(tiles.sample(tile), strips) * samples + tap;
    };
    const Expr l = halogen::remainder(tiles.sample(t.tile), strips) * strip + t.c;
    const Expr n = within(sample(t.tap, t.tile), x.dim(2).extent()), in_l = within(l, length);
    const Expr m = min(tiles.position(t.u, t.tile), tiles.positions - 1);
    const Expr co = within(tiles.group(t.tile) * group_out + halogen::quotient(m, kernel), g.dim(1).extent());
    const Expr place = in_l * stride + halogen::remainder(m, kernel) * dilation - left, at = within(place, out_length);
    const Expr gradient = halogen::activation_gradient(
        precision.decode(g(at, co, n)), precision.decode(result(at, co, n)), activation, cast(type, slope));
    // What is cropped is 0.
    t.x(t.u, t.c, t.tap, t.tile) = select(l < length && place >= 0 && place < out_length, gradient, zero);
    const Expr ci = tiles.group(t.tile) * group_in + min(tiles.row(t.row, t.tile), group_in - 1);
    const Expr value =
        halogen::leaky_relu(precision.decode(x(in_l, within(ci, x.dim(1).extent()), n)), cast(type, input_slope));
    t.w(t.row, t.c, t.tap, t.tile) = select(l < length, select(has_input, value, cast(type, 1)), zero);
    halogen::tile_sum(
        &t, type, samples, strip, halogen::kConvTileChannels,
        [&](const Expr &, const Expr &tap, const Expr &tile) { return sample(tap, tile) < x.dim(2).extent(); });

    r = RDom(0, side, 0, side, 0, tiles.count(), "r");
    const Expr u = tiles.position(r.x, r.z), row = tiles.row(r.y, r.z);
    r.where(u < tiles.positions && row < group_in);
    y(Var(), Var(), Var()) = undef(type);
    y(within(u, y.dim(0).extent()), within(tiles.group(r.z) * group_in + row, y.dim(1).extent()),
      within(tiles.sample(r.z), y.dim(2).extent())) = t.total(r.x, r.y, r.z);
  }

  void schedule() {
    for (OutputImageParam tensor : std::vector<OutputImageParam>{x, g, result, y}) halogen::any_strides(tensor);
    halogen::same_shape(result, g);
    halogen::schedule_tiles(y, r, t);
  }

 private:
  halogen::Precision precision;
  halogen::TileSum t;
  RDom r;
};

HALIDE_REGISTER_GENERATOR(ConvWholeWeight, conv_whole_weight)

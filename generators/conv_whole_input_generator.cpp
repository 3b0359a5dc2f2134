// Transposed convolution, the gradient of its input (GPUs):
//   y(l, ci, n) = h * sum over co, k of w(k, co, ci) * g'(stride*l + dilation*k - left, co, n)
// over the places of g' = the gradient `g` behind the activation that gave `result` (algorithms/activations.h numbers it); h is the derivative
// of leaky_relu(x(l, ci, n), input_slope).
#include "algorithms/activations.h"
#include "algorithms/conv_tiles.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/conv_gpu_schedule.h"

using namespace Halide;

class ConvWholeInput : public halogen::Kernel<ConvWholeInput> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 3>> g{"g"}, result{"result"};  // t, co, n; any strides, and so the others
  Input<Buffer<void, 3>> w{"w"};                    // k, co of a group, ci
  Input<Buffer<void, 3>> x{"x"};                    // l, ci, n
  Input<int> stride{"stride"}, dilation{"dilation"}, left{"left"}, groups{"groups"};
  Input<int> activation{"activation"};
  Input<double> slope{"slope"}, input_slope{"input_slope"};
  Output<Buffer<void, 3>> y{"y"};  // l, ci, n

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    for (auto *tensor : {&g, &result, &w, &x}) tensor->set_type(precision.storage);
    y.set_type(precision.storage);
  }

  void generate() {
    const Type type = precision.compute;
    const Expr zero = cast(type, 0), length = y.dim(0).extent(), out_length = g.dim(0).extent();
    const Expr channels = w.dim(1).extent(), group_in = halogen::quotient(y.dim(1).extent(), groups);
    const auto within = [](const Expr &e, const Expr &extent) { return clamp(e, 0, extent - 1); };
    const int side = halogen::conv_tile_side(type);
    const halogen::Tiles tiles = {side, side, length, group_in, groups, y.dim(2).extent()};
    const auto place = [&](const Expr &u, const Expr &tap, const Expr &tile) {
      return min(tiles.position(u, tile), length - 1) * stride + tap * dilation - left;
    };
    const auto present = [&](const Expr &u, const Expr &tap, const Expr &tile) {
      const Expr at = place(u, tap, tile);
      return at >= 0 && at < out_length;
    };
    const Expr at = within(place(t.u, t.tap, t.tile), out_length), c = min(t.c, channels - 1);
    const Expr co = within(c + tiles.group(t.tile) * channels, g.dim(1).extent());
    const Expr n = within(tiles.sample(t.tile), y.dim(2).extent());
    const Expr gradient = halogen::activation_gradient(
        precision.decode(g(at, co, n)), precision.decode(result(at, co, n)), activation, cast(type, slope));
    t.x(t.u, t.c, t.tap, t.tile) = select(t.c < channels, gradient, zero);
    const Expr ci = tiles.group(t.tile) * group_in + min(tiles.row(t.row, t.tile), group_in - 1);
    const Expr weight = precision.decode(w(within(t.tap, w.dim(0).extent()), c, within(ci, w.dim(2).extent())));
    t.w(t.row, t.c, t.tap, t.tile) = select(t.c < channels, weight, zero);
    halogen::tile_sum(&t, type, w.dim(0).extent(), channels, halogen::kConvTileChannels, present);

    r = RDom(0, side, 0, side, 0, tiles.count(), "r");
    const Expr u = tiles.position(r.x, r.z), row = tiles.row(r.y, r.z);
    r.where(u < length && row < group_in);
    const Expr l = within(u, length), channel = within(tiles.group(r.z) * group_in + row, y.dim(1).extent());
    const Expr sample = within(tiles.sample(r.z), y.dim(2).extent());
    y(Var(), Var(), Var()) = undef(precision.storage);
    y(l, channel, sample) = precision.encode(halogen::activation_gradient(
        t.total(r.x, r.y, r.z), precision.decode(x(l, channel, sample)), 1, cast(type, input_slope)));
  }

  void schedule() {
    for (OutputImageParam tensor : std::vector<OutputImageParam>{g, result, w, x, y}) halogen::any_strides(tensor);
    halogen::same_shape(result, g);
    halogen::same_shape(x, y);
    halogen::schedule_tiles(y, r, t);
  }

 private:
  halogen::Precision precision;
  halogen::TileSum t;
  RDom r;
};

HALIDE_REGISTER_GENERATOR(ConvWholeInput, conv_whole_input)

// Transposed convolution, the whole of it for a class of phases (GPUs): those that have as many taps.
//   y(t, co, n) = act(bias(co) + sum over ci, j of w(k + j*phases, co, ci) * f(x(u - j*spacing, ci, n)))
// for t = stride*u + dilation*k + gap - left inside y, with phase k + phases*gap of first_phase … first_phase + count - 1 and u of
// first_u … first_u + positions - 1; `taps` of them: 0 where only the bias is (gap > 0). f = leaky_relu(v, input_slope). act: activation
// 0: leaky_relu(v, slope), 1: tanh. Rows of weights are (phase, co), phases first.
#include "algorithms/activations.h"
#include "algorithms/conv_tiles.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/conv_gpu_schedule.h"

using namespace Halide;

class ConvWhole : public halogen::Kernel<ConvWhole> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  GeneratorParam<bool> direct{"direct", false};  // for few rows; else in tiles
  Input<Buffer<void, 3>> x{"x"};                 // l, ci, n; any strides, and so the others
  Input<Buffer<void, 3>> w{"w"};                 // k, co of a group, ci
  Input<Buffer<void, 1>> bias{"bias"};           // co
  Input<bool> has_bias{"has_bias"};
  Input<int> stride{"stride"}, dilation{"dilation"}, phases{"phases"}, spacing{"spacing"}, left{"left"};
  Input<int> groups{"groups"}, taps{"taps"};
  Input<int> first_phase{"first_phase"}, count{"count"}, first_u{"first_u"}, positions{"positions"};
  Input<double> input_slope{"input_slope"};
  Input<int> activation{"activation"};
  Input<double> slope{"slope"};
  Output<Buffer<void, 3>> y{"y"};  // t, co, n

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    for (auto *tensor : {&x, &w}) tensor->set_type(precision.storage);
    bias.set_type(precision.storage);
    y.set_type(precision.storage);
  }

  void generate() {
    const Type type = precision.compute;
    const Expr zero = cast(type, 0), length = x.dim(0).extent(), out_length = y.dim(0).extent();
    const Expr channels = halogen::quotient(x.dim(1).extent(), groups), group_out = w.dim(1).extent();
    const auto within = [](const Expr &e, const Expr &extent) { return clamp(e, 0, extent - 1); };
    const int side = halogen::conv_tile_side(type);
    const halogen::Tiles tiles = {direct ? halogen::kConvDirectPositions : side,
                                  direct ? halogen::kConvDirectRows : side,
                                  positions,
                                  count * group_out,
                                  groups,
                                  y.dim(2).extent()};
    const auto input_of = [&](const Expr &u, const Expr &tap, const Expr &tile) {
      return first_u + tiles.position(u, tile) - tap * spacing;
    };
    const auto present = [&](const Expr &u, const Expr &tap, const Expr &tile) {
      const Expr l = input_of(u, tap, tile);
      return l >= 0 && l < length;
    };
    // Beyond the data anything is read: `present` and the zeros of the channels leave it out.
    const Expr l = clamp(input_of(t.u, t.tap, t.tile), 0, length - 1);
    const Expr ci = within(min(t.c, channels - 1) + tiles.group(t.tile) * channels, x.dim(1).extent());
    const Expr value = halogen::leaky_relu(precision.decode(x(l, ci, within(tiles.sample(t.tile), x.dim(2).extent()))),
                                           cast(type, input_slope));
    t.x(t.u, t.c, t.tap, t.tile) = select(t.c < channels, value, zero);
    const Expr row = tiles.row(t.row, t.tile);
    const Expr k = within(halogen::remainder(first_phase + halogen::remainder(row, count), phases) + t.tap * phases,
                          w.dim(0).extent());
    const Expr weight = precision.decode(w(k, within(halogen::quotient(row, count), group_out), ci));
    t.w(t.row, t.c, t.tap, t.tile) = select(t.c < channels, weight, zero);
    halogen::tile_sum(&t, type, taps, channels, direct ? 1 : halogen::kConvTileChannels, present);

    // A thread has rows of a position, or positions of a row.
    r = RDom(0, direct ? tiles.side_row : tiles.side_u, 0, direct ? tiles.side_u : tiles.side_row, 0, tiles.count(),
             "r");
    const Expr u = direct ? r.y : r.x, of_row = direct ? r.x : r.y;
    const Expr at_u = tiles.position(u, r.z), at_row = tiles.row(of_row, r.z),
               phase = first_phase + halogen::remainder(at_row, count);
    const Expr co = within(tiles.group(r.z) * group_out + halogen::quotient(at_row, count), y.dim(1).extent());
    const Expr place = (first_u + at_u) * stride + halogen::remainder(phase, phases) * dilation +
                       halogen::quotient(phase, phases) - left;
    r.where(at_u < positions && at_row < tiles.rows && place >= 0 && place < out_length);
    const Expr v = t.total(u, of_row, r.z) + select(has_bias, precision.decode(bias(co)), zero);
    y(Var(), Var(), Var()) = undef(precision.storage);
    y(clamp(place, 0, out_length - 1), co, within(tiles.sample(r.z), y.dim(2).extent())) = precision.encode(
        select(activation == 0, halogen::leaky_relu(v, cast(type, slope)), halogen::hyperbolic_tangent(v)));
  }

  void schedule() {
    for (OutputImageParam tensor : std::vector<OutputImageParam>{x, w, bias, y}) halogen::any_strides(tensor);
    bias.dim(0).set_extent(y.dim(1).extent());
    if (direct) {
      halogen::schedule_direct(y, r, t);
    } else {
      halogen::schedule_tiles(y, r, t);
    }
  }

 private:
  halogen::Precision precision;
  halogen::TileSum t;
  RDom r;
};

HALIDE_REGISTER_GENERATOR(ConvWhole, conv_whole)

// Schedules of the sums of algorithms/conv.h: a tile of them in registers, the weights' block in cache while tiles go by.
#ifndef HALOGEN_GENERATORS_CONV_SCHEDULE_H
#define HALOGEN_GENERATORS_CONV_SCHEDULE_H

#include <vector>

#include "../../runtime/conv_tiles.h"
#include "../algorithms/conv.h"

namespace halogen {

/// The tiles of a level, but for what is not 0 in `wanted`: a search asks for others.
ConvTuned tiles_of(const Halide::Target &target, const Halide::Type &type, const ConvTuned &wanted);

/// The output of a kernel: row `p + P*c` of a block, P = y.dim(0).extent(), goes to y(p, c, u, kb, cb).
struct ConvOutput {
  Halide::Func y;
  Halide::OutputImageParam buffer;
  Halide::Var p, c, u, kb, cb;
};

/// What all ask of their buffers; with w of 6 dimensions, pairs of bfloat16.
void conv_buffers(Halide::ImageParam x, Halide::ImageParam w, Halide::OutputImageParam y);

/// Lanes are the rows of a block. Serves any length, down to one position.
void schedule_rows(TapSum &t, const ConvOutput &out, const Halide::Target &target, const ConvTuned &tiles,
                   const Halide::Expr &step, const Halide::Expr &taps);

/// Lanes are positions: phases are interleaved in registers on their way out. `rows`: 1 or 2 where a block has no more, 0 for whole
/// blocks.
void schedule_length(TapSum &t, const ConvOutput &out, const Halide::Target &target, const ConvTuned &tiles,
                     const Halide::Expr &taps, int rows);

/// The gradient of the input: y(u, n, c, g) sums its parts by slices; a tile of positions u (of `length`) by rows c is in registers.
void schedule_grad_input(Halide::Func y, Halide::Func part, const std::vector<Halide::Var> &vars,
                         const Halide::RVar &step, const Halide::RVar &slices, const Halide::Expr &length,
                         const Halide::Target &target, const ConvTuned &tiles);

/// The gradient of the weights: y(lane, m, b, g), a tile of lanes by taps m in registers. Sums run over r: l (of `length`), n.
void schedule_grad_rows(Halide::Func y, const std::vector<Halide::Var> &vars, const Halide::RDom &r,
                        const Halide::Expr &length, const Halide::Target &target, const ConvTuned &tiles);

/// The same, lanes along positions: y(m, c, g) is total(m, c, g), which adds up lanes(lane, m, c, g) and what whole vectors leave.
void schedule_grad_length(Halide::Func y, Halide::Func total, Halide::Func lanes, const std::vector<Halide::Var> &vars,
                          const Halide::Target &target, const ConvTuned &tiles);

}  // namespace halogen
#endif

// Schedules of the sums of algorithms/conv.h: a tile of them in registers, the weights' block in cache while tiles go by.
#ifndef HALOGEN_GENERATORS_CONV_SCHEDULE_H
#define HALOGEN_GENERATORS_CONV_SCHEDULE_H

#include "../algorithms/conv.h"

namespace halogen {

/// The output of a kernel: row `p + P*c` of a block, P = y.dim(0).extent(), goes to y(p, c, u, kb, cb).
struct ConvOutput {
  Halide::Func y;
  Halide::OutputImageParam buffer;
  Halide::Var p, c, u, kb, cb;
};

/// What both ask of their buffers.
void conv_buffers(Halide::ImageParam x, Halide::ImageParam w, Halide::OutputImageParam y);

/// Lanes are the rows of a block. Serves any length, down to one position.
void schedule_rows(TapSum &t, const ConvOutput &out, const Halide::Target &target, const Halide::Expr &step,
                   const Halide::Expr &taps);

/// Lanes are positions: phases are interleaved in registers on their way out. `rows`: 1 or 2 where a block has no more, 0 for whole
/// blocks.
void schedule_length(TapSum &t, const ConvOutput &out, const Halide::Target &target, const Halide::Expr &taps,
                     int rows);

}  // namespace halogen
#endif

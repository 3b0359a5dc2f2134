// Schedules of the sums of algorithms/conv_tiles.h on GPUs.
#ifndef HALOGEN_GENERATORS_CONV_GPU_SCHEDULE_H
#define HALOGEN_GENERATORS_CONV_GPU_SCHEDULE_H

#include "../algorithms/conv_tiles.h"

namespace halogen {

/// Channels that a tile takes at once.
constexpr int kConvTileChannels = 16;

/// Rows and positions of a tile, for sums of a type; direct: few rows.
int conv_tile_side(const Halide::Type &type);
constexpr int kConvDirectRows = 4;
constexpr int kConvDirectPositions = 128;

/// `y`, whose last definition is over r = (u, row, tile), is finished by a block of threads for each tile: a thread has a square of sums
/// in registers, what it multiplies is in shared memory.
void schedule_tiles(Halide::Func y, const Halide::RDom &r, TileSum &t);

/// The same for few rows, over r = (row, u, tile): a thread has the sums of a position, nothing is shared.
void schedule_direct(Halide::Func y, const Halide::RDom &r, TileSum &t);

}  // namespace halogen
#endif

#include "conv_schedule.h"

#include <algorithm>

#include "../../runtime/conv_tiles.h"

namespace halogen {

using namespace Halide;

namespace {

struct Registers {
  int vector, bytes, count;
};

Registers registers_of(const Target &target, const Type &type) {
  const bool many = target.arch == Target::ARM || target.has_feature(Target::AVX512);
  const int vector = target.natural_vector_size(type);
  return {vector, vector * type.bytes(), many ? 32 : 16};
}

/// Two taps are what a stride of half the kernel's size has. Unrolled, Zen 3, 2026-11: 87 -> 94 % of the FMA peak.
void specialise_taps(Stage sums, const RVar &taps, const Expr &count) {
  sums.specialize(count == 2).unroll(taps, 2);
  sums.specialize(count == 1);
}

}  // namespace

ConvTuned tiles_of(const Target &target, const Type &type, const ConvTuned &wanted) {
  const Registers regs = registers_of(target, type);
  ConvTuned tiles = conv_tiles(regs.bytes, regs.count);
  for (int ConvTuned::*const tile : kConvTiles) {
    if (wanted.*tile != 0) tiles.*tile = wanted.*tile;
  }
  return tiles;
}

void conv_buffers(ImageParam x, ImageParam w, OutputImageParam y) {
  for (int i = 0; i < x.dimensions(); i++) {
    x.dim(i).set_min(0);
  }
  const bool pairs = w.dimensions() == 6;
  const int values = pairs ? 2 : 1, block = kConvBlockBytes / (w.type().bytes() * values);
  for (int i = 0; i < w.dimensions(); i++) {
    w.dim(i).set_min(0);
  }
  if (pairs) {
    x.dim(0).set_bounds(0, 2);
    x.dim(1).set_stride(2);
    w.dim(0).set_bounds(0, 2);
  }
  const int lane = values - 1;
  w.dim(lane).set_bounds(0, block).set_stride(values);
  w.dim(lane + 1).set_stride(block * values);
  for (int i = 0; i < y.dimensions(); i++) {
    y.dim(i).set_min(0);
  }
  y.dim(0).set_stride(Expr());
}

void schedule_rows(TapSum &t, const ConvOutput &out, const Target &target, const ConvTuned &tiles, const Expr &step,
                   const Expr &taps) {
  const Registers regs = registers_of(target, t.sum.type());
  const int block = kConvBlockBytes / t.sum.type().bytes();
  // A pair is one instruction: its two products are added in each lane.
  const bool pairs = t.taps.dimensions() == 3;
  const int positions = pairs ? tiles.pairs_positions : tiles.rows_positions;
  const int steps = pairs ? tiles.pairs_slice : tiles.rows_slice;
  Func y = out.y;
  y.reorder(out.p, out.c, out.u, out.kb, out.cb);
  // A block's sums at all positions.
  Var outer("outer"), inner("inner"), stream("stream");
  RVar slice("slice"), channel("channel");
  t.sum.compute_at(y, out.kb).bound_extent(t.lane, block).vectorize(t.lane, regs.vector).unroll(t.lane).unroll(t.cb);
  const auto tiled = [&](Stage sums, int tile, bool several) {
    sums.split(t.taps.y, slice, channel, max(1, steps / max(1, taps)), TailStrategy::GuardWithIf)
        .split(t.u, outer, inner, tile, TailStrategy::RoundUp);
    std::vector<VarOrRVar> order{t.lane, inner, t.taps.x, channel, outer, slice};
    if (several) order.insert(order.begin() + 2, t.cb);
    if (pairs) order.insert(order.begin(), t.taps.z);
    sums.reorder(order);
    // Whole slices and the last one are one loop: of the two that LLVM had, one had 89 % of the FMA issue (llvm-mca, Neoverse V2).
    if (target.arch == Target::ARM) sums.never_partition(slice, channel);
    if (pairs) sums.atomic().vectorize(t.taps.z);
    sums.vectorize(t.lane, regs.vector).unroll(t.lane).unroll(inner);
    if (several) sums.unroll(t.cb);
    const Stage forward = sums.specialize(step == 1);
    specialise_taps(forward, t.taps.x, taps);
  };
  const Expr length = out.buffer.dim(2).extent();
  int smallest = positions;
  while (conv_has_half_tile(smallest)) {
    smallest /= 2;
    tiled(t.sum.update().specialize(length == smallest), smallest, true);
  }
  tiled(t.sum.update(), positions, false);
  // Neighbouring phases are neighbours in memory where the dilation is 1.
  const Expr dense = out.buffer.dim(0).stride() == 1;
  const auto stored = [&](Stage all) {
    for (int phases = block; phases >= 2; phases /= 2) {
      Stage whole =
          all.specialize(dense && out.buffer.dim(0).extent() == phases && out.buffer.dim(1).extent() == block / phases);
      if (phases == 2) {
        // Of a stride of two, those of the next positions, too.
        const int together = positions % 4 == 0 ? 4 : 2;
        whole.specialize(out.buffer.dim(2).stride() == phases && length % together == 0)
            .split(out.u, outer, inner, together, TailStrategy::RoundUp)
            .reorder(out.p, inner, out.c, outer)
            .vectorize(out.p, phases)
            .vectorize(inner);
      }
      whole.vectorize(out.p, std::min(phases, regs.vector), TailStrategy::RoundUp);
    }
  };
  // Few positions wait for their weights: as many blocks of channels go together as registers have sums for, each a stream of its own.
  // Zen 4, 2026-11, four streams: 512->256 16/8 L 2 470 -> 320 us.
  const int sums = smallest * (kConvBlockBytes / regs.bytes);
  int streams = 1;
  while (2 * streams * sums <= conv_accumulators(regs.bytes, regs.count)) streams *= 2;
  if (smallest < positions && streams > 1) {
    Stage together = y.specialize(length == smallest && out.buffer.dim(4).extent() % streams == 0);
    together.split(out.cb, out.cb, stream, streams, TailStrategy::RoundUp)
        .reorder(out.p, out.c, out.u, stream, out.kb, out.cb);
    stored(together);
  }
  stored(y);
}

void schedule_length(TapSum &t, const ConvOutput &out, const Target &target, const ConvTuned &tiles, const Expr &taps,
                     int few) {
  const Registers regs = registers_of(target, t.sum.type());
  const int rows = few != 0 ? few : tiles.length_rows;
  const int positions = conv_length_vectors(tiles, few) * regs.vector;
  Var outer("outer"), inner("inner"), vector("vector"), co("co"), ci("ci");
  Func y = out.y, tile = t.sum.in();
  y.split(out.u, outer, inner, positions, TailStrategy::RoundUp).split(inner, vector, inner, regs.vector);
  const int block = few != 0 ? few : kConvBlockBytes / t.sum.type().bytes();
  const auto scheduled = [&](Stage s, int phases) {
    s.split(out.c, co, ci, rows / phases, TailStrategy::RoundUp)
        .reorder(out.p, inner, vector, ci, co, outer, out.kb, out.cb)
        .vectorize(inner)
        .unroll(vector)
        .unroll(ci);
    if (phases > 1) s.unroll(out.p, phases);
  };
  for (Func f : {tile, t.sum}) {
    f.reorder_storage(t.u, t.lane, t.kb, t.cb).reorder(t.u, t.lane);
  }
  t.sum.bound_extent(t.lane, rows).bound_extent(t.u, positions);
  t.sum.vectorize(t.u, regs.vector).unroll(t.u).unroll(t.lane);
  if (target.arch == Target::ARM) {
    // st2 wants neighbouring registers, and the sums would be moved to and fro for it: here a block's go through memory.
    Var lanes("lanes"), lane("lane"), along("along"), u("u");
    tile.compute_at(y, out.kb).bound_extent(t.lane, block);
    tile.split(t.lane, lanes, lane, rows).split(t.u, along, u, positions, TailStrategy::RoundUp);
    tile.reorder(u, lane, lanes, along).vectorize(u, regs.vector).unroll(u).unroll(lane);
    t.sum.compute_at(tile, lanes);
  } else {
    tile.compute_at(y, co).bound_extent(t.lane, rows).bound_extent(t.u, positions);
    tile.vectorize(t.u, regs.vector).unroll(t.u).unroll(t.lane);
    t.sum.compute_at(tile, t.kb);
  }
  // An operand that is loaded goes to all its sums at once: of few rows, the inputs'.
  if (few != 0) {
    t.sum.update().reorder(t.lane, t.u, t.taps.x, t.taps.y);
  } else {
    t.sum.update().reorder(t.u, t.lane, t.taps.x, t.taps.y);
  }
  t.sum.update().vectorize(t.u, regs.vector).unroll(t.u).unroll(t.lane);
  specialise_taps(t.sum.update(), t.taps.x, taps);
  // Whole groups of phases are stored interleaved, as one run of memory.
  const Expr phases = out.buffer.dim(0).extent(), channels = out.buffer.dim(1).extent();
  for (int n = 1; n <= std::min(2, rows); n++) {
    const Expr fits = phases == n && channels == block / n;
    scheduled(y.specialize(fits && out.buffer.dim(0).stride() == 1 && out.buffer.dim(2).stride() == n), n);
    scheduled(y.specialize(fits), n);
  }
  y.specialize_fail("length: one or two phases, as many rows as this kernel is for");
}

void schedule_grad_input(Func y, Func part, const std::vector<Var> &vars, const RVar &step, const RVar &slices,
                         const Expr &length, const Target &target, const ConvTuned &tiles) {
  const Registers regs = registers_of(target, y.type());
  const Var &u = vars[0], &n = vars[1], &c = vars[2], &g = vars[3];
  Var tile("tile"), inner("inner"), rows_tile("rows_tile"), row("row");
  y.reorder(u, n, c, g).vectorize(u, regs.vector, TailStrategy::RoundUp);
  // The wider operand of a tile stays in L1 while all rows go by.
  const auto tiled = [&](Stage sums, int rows, int positions) {
    sums.split(u, tile, inner, positions, TailStrategy::RoundUp)
        .split(c, rows_tile, row, rows, TailStrategy::RoundUp)
        .reorder(inner, row, rows_tile, tile, n, slices, g)
        .vectorize(inner, regs.vector)
        .unroll(inner)
        .unroll(row);
  };
  if (tiles.gradient_rows > 1) {
    tiled(y.update().specialize(length == regs.vector), conv_narrow_rows(tiles), regs.vector);
  }
  tiled(y.update(), tiles.gradient_rows, tiles.gradient_vectors * regs.vector);
  part.compute_at(y, rows_tile);
  for (Stage s : {Stage(part), part.update()}) s.vectorize(u, regs.vector).unroll(u).unroll(c);
  part.update().reorder(u, c, step);
}

void schedule_grad_rows(Func y, const std::vector<Var> &vars, const RDom &r, const Expr &length, const Target &target,
                        const ConvTuned &tiles) {
  const Registers regs = registers_of(target, y.type());
  const Var &lane = vars[0], &m = vars[1], &b = vars[2], &g = vars[3];
  Var tile("tile"), tap("tap");
  RVar slice("slice"), step("step"), samples("samples"), sample("sample");
  y.reorder(lane, m, b, g).vectorize(lane, regs.vector).unroll(lane);
  // Short samples go together in a slice.
  y.update()
      .split(r.x, slice, step, tiles.weight_slice, TailStrategy::GuardWithIf)
      .split(r.y, samples, sample, max(1, tiles.weight_slice / max(1, length)), TailStrategy::GuardWithIf)
      .split(m, tile, tap, tiles.weight_taps, TailStrategy::RoundUp)
      .reorder(lane, tap, step, sample, tile, b, slice, samples, g)
      .vectorize(lane, regs.vector)
      .unroll(lane)
      .unroll(tap);
}

void schedule_grad_length(Func y, Func total, Func lanes, const std::vector<Var> &vars, const Target &target,
                          const ConvTuned &tiles) {
  const int vector = target.natural_vector_size(y.type()), taps = tiles.weight_length_taps;
  const Var &lane = vars[0], &m = vars[1], &c = vars[2], &g = vars[3];
  Var tile("tile"), tap("tap");
  y.split(m, tile, tap, taps, TailStrategy::RoundUp).reorder(tap, tile, c, g).unroll(tap);
  total.compute_at(y, tile).bound_extent(m, taps).unroll(m);
  for (int i = 0; i < total.num_update_definitions(); i++) total.update(i).unroll(m);
  total.update(0).atomic().vectorize(total.rvars(0)[0]);
  lanes.compute_at(y, tile).bound_extent(m, taps).bound(lane, 0, tiles.weight_length_vectors * vector);
  lanes.vectorize(lane, vector).unroll(lane).unroll(m);
  Stage sums = lanes.update();
  sums.reorder(lane, m, lanes.rvars(0)[0], lanes.rvars(0)[1]).vectorize(lane, vector).unroll(lane).unroll(m);
}

}  // namespace halogen

#include "conv_gpu_schedule.h"

namespace halogen {

using namespace Halide;

namespace {

constexpr int kSide = 8;  // of the square of threads that a block is
constexpr int kThreads = kSide * kSide;

/// 64 sums of 4 bytes in a thread's registers, 16 of 8 bytes.
int items_of(const Type &type) { return type.bits() == 64 ? 4 : 8; }

}  // namespace

int conv_tile_side(const Type &type) { return kSide * items_of(type); }

void schedule_tiles(Func y, const RDom &r, TileSum &t) {
  const int items = items_of(t.total.type()), tile = kSide * items;
  Stage out = y.update();
  out.allow_race_conditions();  // every element has a place of its own, which Halide cannot see
  out.gpu_blocks(r.z);
  // Rows are neighbours in memory where phases are: they are written by neighbouring threads.
  if (tile == kThreads) {
    out.gpu_threads(r.y);
  } else {
    RVar u_outer("u_outer"), u_thread("u_thread"), of_thread("of_thread");
    out.split(r.x, u_outer, u_thread, kThreads / tile).fuse(u_thread, r.y, of_thread).gpu_threads(of_thread);
  }

  Var u_thread("u_thread"), u_item("u_item"), row_thread("row_thread"), row_item("row_item"), thread("thread");
  t.total.compute_at(y, r.z).store_in(MemoryType::GPUShared).bound_extent(t.u, tile).bound_extent(t.row, tile);
  for (Stage s : {Stage(t.total), Stage(t.total.update())}) {
    s.split(t.u, u_thread, u_item, items).split(t.row, row_thread, row_item, items);
    s.reorder(u_item, row_item, u_thread, row_thread).fuse(u_thread, row_thread, thread).gpu_threads(thread);
  }
  t.total.update().reorder(u_item, row_item, thread, t.steps.x, t.steps.y).unroll(u_item).unroll(row_item);
  t.part.compute_at(t.total, thread).bound_extent(t.u, items).bound_extent(t.row, items);
  for (Stage s : {Stage(t.part), Stage(t.part.update())}) s.unroll(t.u).unroll(t.row);
  t.part.update().reorder(t.u, t.row, t.channel);
  t.x.in(t.part).compute_at(t.part, t.channel).bound_extent(t.u, items).unroll(t.u);
  t.w.in(t.part).compute_at(t.part, t.channel).bound_extent(t.row, items).unroll(t.row);

  const auto stage = [&](Func f, const Var &along) {
    Var all("all"), item("item"), of_thread("of_thread");
    f.compute_at(t.total, t.steps.x).store_in(MemoryType::GPUShared);
    f.bound_extent(along, tile).bound_extent(t.c, kConvTileChannels);
    f.fuse(along, t.c, all).split(all, item, of_thread, kThreads).reorder(item, of_thread).gpu_threads(of_thread);
  };
  stage(t.x, t.u);
  stage(t.w, t.row);
}

void schedule_direct(Func y, const RDom &r, TileSum &t) {
  y.update().allow_race_conditions().unroll(r.x).gpu_blocks(r.z).gpu_threads(r.y);
  t.total.compute_at(y, r.y).bound_extent(t.row, kConvDirectRows).unroll(t.row);
  t.total.update().reorder(t.row, t.steps.x, t.steps.y).unroll(t.row);
  t.part.compute_at(t.total, t.row);
  t.part.update().unroll(t.channel);
}

}  // namespace halogen

#include "norm_buffers.h"

namespace halogen {

NormBuffers::NormBuffers(Call *call, const NormProblem &problem, const NormPlan &plan, const Memory &any)
    : call_(call),
      p_(problem),
      plan_(plan),
      any_(any),
      variant_(norm_variant(problem.gpu, call->context->options.isa)),
      storage_(type_of(problem.dtype)),
      compute_(type_of(compute_dtype(problem.dtype))),
      bytes_(dtype_bytes(problem.dtype)),
      compute_bytes_(dtype_bytes(compute_dtype(problem.dtype))),
      sets_(problem.C / problem.channels_per_set()) {}

/// A vector as (inner, outer); an absent one is never read, but must be memory: any.
Buffer NormBuffers::vector(const Memory &memory, int64_t inner, int64_t outer) const {
  if (memory.base == nullptr) return Buffer(any_, compute_, {dim(inner, 0), dim(outer, 0)});
  return Buffer(memory, compute_, {dim(inner, 1), dim(outer, inner)});
}

/// The statistics of a pass.
Memory NormBuffers::of_sets(const Memory &memory, const Pass &pass) const {
  return p_.per_channel() ? memory : memory.at(pass.first * sets_, compute_bytes_);
}

// ---- lanes along rows

Buffer NormBuffers::rows(const Memory &memory, const NormStrides &strides, const RowView &v, const Pass &pass) const {
  const RowView::Strides to = v.of(strides);
  return Buffer(memory.at(pass.first * strides.n, bytes_), storage_,
                {dim(v.s, 1), dim(v.r, to.r), dim(v.g, to.g), dim(v.b, to.b)});
}

Buffer NormBuffers::row_sets(const Memory &memory, const NormStrides &strides, const RowView &v, const Pass &pass,
                             bool four) const {
  const Memory at = memory.at(pass.first * strides.n, bytes_);
  if (!four) return Buffer(at, storage_, {dim(v.s, 1), dim(v.g, v.s), dim(v.b, strides.n)});
  return Buffer(at, storage_, {dim(v.s, 1), dim(1, v.s), dim(v.g, v.s), dim(v.b, strides.n)});
}

Buffer NormBuffers::of_values(const Memory &memory, const RowView &v) const {
  return Buffer(memory.base != nullptr ? memory : any_, compute_, {dim(v.s, 1), dim(v.parameter_sets, v.s)});
}

Buffer NormBuffers::slabs(const Memory &memory, const NormStrides &strides, const SlabView &v, const Pass &pass,
                          int64_t channel, int64_t slab, int64_t count) const {
  const SlabView::Strides to = strides_of(p_, v, strides);
  return Buffer(memory.at(pass.first * strides.n + channel * to.channel, bytes_), storage_,
                {dim(slab * v.S, 1), dim(v.r, to.r), dim(count, slab * to.channel), dim(v.b, to.b)});
}

/// Parameters of slabs, (j, t). A CPU's kernels do not look at absent ones, and their lanes want all dense; a GPU's load them.
Buffer NormBuffers::slab_parameters(const Memory &memory, int64_t channel, int64_t slab, int64_t count) const {
  if (memory.base != nullptr) return vector(memory.at(channel, compute_bytes_), slab, count);
  if (p_.gpu) return vector(memory, slab, count);
  return Buffer(any_, compute_, {dim(slab, 1), dim(count, 0)});
}

/// Statistics of slabs, (q, t, b); where they are per channel, the same for all b.
Buffer NormBuffers::slab_statistic(const Memory &memory, const SlabView &v, const Pass &pass, int64_t channel,
                                   int64_t slab, int64_t count) const {
  const int64_t per_set = p_.channels_per_set();
  return Buffer(of_sets(memory, pass).at(channel / per_set, compute_bytes_), compute_,
                {dim(slab / per_set, 1), dim(count, slab / per_set), dim(v.b, p_.per_channel() ? 0 : sets_)});
}

Buffer NormBuffers::row_blocks(const Memory &memory, const RowView &v, const Pass &pass) const {
  const NormBlocks all = norm_blocks(p_, plan_);
  const int64_t down = (v.r + plan_.block_r - 1) / plan_.block_r;
  const int64_t first = p_.per_channel() ? pass.first / plan_.block_r * all.along : 0;
  return Buffer(
      memory.at(first, sizeof(double)), kDoubleType,
      {dim(all.along, 1), dim(down, all.along), dim(v.g, all.along * all.down), dim(v.b, all.along * all.down * v.g)});
}

Buffer NormBuffers::slab_chunks(const Memory &memory, const SlabView &v, const Pass &pass, int64_t channel,
                                int64_t slab, int64_t count) const {
  const NormBlocks all = norm_blocks(p_, plan_);
  const int64_t width = norm_chunk_width(p_, v), chunks = (v.r + plan_.chunk_r - 1) / plan_.chunk_r;
  const int64_t of_slab = slab * v.S / width, row = all.along * all.sets;
  // Rows are samples, or a sample has chunks of its own: only tensors without gaps go in one pass.
  const int64_t first = !p_.per_channel() ? 0 : p_.channel_last ? pass.first * all.down : pass.first / plan_.chunk_r;
  return Buffer(memory.at(first * row + channel * v.S / width, sizeof(double)), kDoubleType,
                {dim(of_slab, 1), dim(chunks, row), dim(count, of_slab), dim(v.b, row * all.down)});
}

NormBuffers::Merge NormBuffers::merged(const Pass &pass) const {
  const NormBlocks all = norm_blocks(p_, plan_);
  if (plan_.across) {
    const SlabView v = norm_slab_view(p_, pass.samples);
    const int64_t row = all.along * all.sets;
    // Of samples that lie apart, each has chunks whose last may be shorter.
    if (v.merged && v.b > 1) {
      return {v.r,
              v.b,
              plan_.chunk_r,
              1,
              all.sets,
              1,
              {dim(all.down, row), dim(v.b, row * all.down), dim(all.sets, 1), dim(1, 0)}};
    }
    return {v.width,
            v.r,
            norm_chunk_width(p_, v),
            plan_.chunk_r,
            all.sets,
            v.b,
            {dim(all.along, 1), dim(all.down, row), dim(all.sets, all.along), dim(v.b, row * all.down)}};
  }
  const RowView v = norm_sets_view(p_, pass.samples);
  const int64_t blocks = all.along * all.down;
  return {v.s,
          v.r,
          plan_.block_s,
          plan_.block_r,
          v.g,
          v.b,
          {dim(all.along, 1), dim(all.down, all.along), dim(v.g, blocks), dim(v.b, blocks * v.g)}};
}

int NormBuffers::convert(std::initializer_list<Converted> vectors, Scratch *scratch) {
  const auto converts = [&](const Converted &v) { return v.from.exists && v.from.dtype != compute_dtype(p_.dtype); };
  int64_t bytes = 0;
  for (const Converted &v : vectors) bytes += converts(v) ? norm_padded(v.length * compute_bytes_) : 0;
  if (bytes > 0 && !scratch->acquire(bytes)) return halide_error_code_out_of_memory;
  int64_t used = 0;
  for (const Converted &v : vectors) {
    *v.to = v.from.memory;
    if (!converts(v)) continue;
    *v.to = scratch->memory().at(used, 1);
    used += norm_padded(v.length * compute_bytes_);
    Buffer stored(v.from.memory, type_of(v.from.dtype), {dim(v.length, 1)}), value(*v.to, compute_, {dim(v.length, 1)});
    const int code = launch<NormRole::convert>(v.from.dtype, stored, value);
    if (code != 0) return code;
  }
  return 0;
}

}  // namespace halogen

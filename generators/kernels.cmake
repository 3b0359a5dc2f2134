# The one table of kernels. Everything that lists kernels is made from it: the library, the dispatch tables (kernels_<op>.inc),
# the per-variant tests and benchmarks, the manifest.
#
# Names are <op>_<dtype>_<layout>[_<path>]; cs is channel-first data; stream is row with streaming stores. What each computes is said at the head of its generator.

set(_statistics algorithms/statistics.cpp schedules/statistics_schedule.cpp)
set(_slab algorithms/statistics.cpp algorithms/slab_statistics.cpp algorithms/normalize.cpp schedules/slab_schedule.cpp)

halogen_generator(norm_fused_row SOURCES norm_fused_row_generator.cpp algorithms/normalize.cpp ${_statistics})
halogen_generator(norm_fused_slab SOURCES norm_fused_slab_generator.cpp ${_slab})
halogen_generator(norm_partial SOURCES norm_partial_generator.cpp ${_statistics})
halogen_generator(norm_merge SOURCES norm_merge_generator.cpp algorithms/statistics.cpp)
halogen_generator(norm_apply_row SOURCES norm_apply_row_generator.cpp algorithms/normalize.cpp)
halogen_generator(norm_apply_slab SOURCES norm_apply_slab_generator.cpp ${_slab})
halogen_generator(norm_running SOURCES norm_running_generator.cpp)

set(_cpu v4 v3 v2 neon)
set(_all ${_cpu} cuda opencl)

halogen_kernel(NAME norm_fused_f32_cs_row OP norm DTYPE f32 LAYOUT cs GENERATOR norm_fused_row VARIANTS ${_cpu})
halogen_kernel(NAME norm_fused_f32_cs_stream OP norm DTYPE f32 LAYOUT cs GENERATOR norm_fused_row STREAM y VARIANTS ${_cpu})
halogen_kernel(NAME norm_fused_f32_cs_slab OP norm DTYPE f32 LAYOUT cs GENERATOR norm_fused_slab VARIANTS ${_cpu})
halogen_kernel(NAME norm_partial_f32_cs_row OP norm DTYPE f32 LAYOUT cs GENERATOR norm_partial VARIANTS ${_all})
halogen_kernel(NAME norm_merge_f32 OP norm DTYPE f32 LAYOUT any GENERATOR norm_merge VARIANTS ${_all})
halogen_kernel(NAME norm_apply_f32_cs_row OP norm DTYPE f32 LAYOUT cs GENERATOR norm_apply_row VARIANTS ${_all})
halogen_kernel(NAME norm_apply_f32_cs_stream OP norm DTYPE f32 LAYOUT cs GENERATOR norm_apply_row STREAM y VARIANTS ${_cpu})
halogen_kernel(NAME norm_apply_f32_cs_slab OP norm DTYPE f32 LAYOUT cs GENERATOR norm_apply_slab VARIANTS ${_cpu})
halogen_kernel(NAME norm_running_f32 OP norm DTYPE f32 LAYOUT any GENERATOR norm_running VARIANTS ${_all})

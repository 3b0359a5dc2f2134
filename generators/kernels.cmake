# The one table of kernels. Everything that lists kernels is made from it: the library, the dispatch tables (kernels_<op>.inc),
# the per-variant tests and benchmarks, the manifest, the table of what is supported in docs/.
#
# A row is one kernel per dtype, named <op>_<role>_<dtype>[_<layout>][_<path>]; cs is channel-first data, sc channel-last. stream is row
# with streaming stores; act has an epilogue. What each computes is said at the head of its generator.

set(_precision algorithms/precision.cpp)
set(_statistics ${_precision} algorithms/statistics.cpp schedules/statistics_schedule.cpp)
set(_expanded ${_precision} algorithms/normalize.cpp algorithms/expanded_affine.cpp algorithms/statistics.cpp
  algorithms/slab_statistics.cpp schedules/slab_schedule.cpp)

halogen_generator(norm_fused_row SOURCES norm_fused_row_generator.cpp algorithms/normalize.cpp ${_statistics})
halogen_generator(norm_fused_slab SOURCES norm_fused_slab_generator.cpp ${_expanded})
halogen_generator(norm_partial_row SOURCES norm_partial_row_generator.cpp ${_statistics})
halogen_generator(norm_partial_slab SOURCES norm_partial_slab_generator.cpp ${_expanded})
halogen_generator(norm_merge SOURCES norm_merge_generator.cpp algorithms/statistics.cpp ${_precision})
halogen_generator(norm_apply_row SOURCES norm_apply_row_generator.cpp algorithms/normalize.cpp ${_precision})
halogen_generator(norm_apply_slab SOURCES norm_apply_slab_generator.cpp ${_expanded})
halogen_generator(norm_save SOURCES norm_save_generator.cpp ${_precision})
halogen_generator(norm_convert SOURCES norm_convert_generator.cpp ${_precision})
halogen_generator(norm_running SOURCES norm_running_generator.cpp ${_precision})
halogen_generator(tensor_copy SOURCES tensor_copy_generator.cpp ${_precision})

set(_cpu v4 v3 v2 neon)
set(_all ${_cpu} cuda opencl)
set(_dtypes f32 f64 f16 bf16)

halogen_kernel(OP norm ROLE fused LAYOUTS cs PATH row DTYPES ${_dtypes} GENERATOR norm_fused_row VARIANTS ${_cpu})
halogen_kernel(OP norm ROLE fused LAYOUTS cs PATH row_act DTYPES ${_dtypes} GENERATOR norm_fused_row PARAMS epilogue=true VARIANTS ${_cpu})
halogen_kernel(OP norm ROLE fused LAYOUTS cs PATH stream DTYPES f32 f16 bf16 GENERATOR norm_fused_row STREAM y VARIANTS ${_cpu})
halogen_kernel(OP norm ROLE fused LAYOUTS cs PATH stream_act DTYPES f32 f16 bf16 GENERATOR norm_fused_row PARAMS epilogue=true STREAM y VARIANTS ${_cpu})
halogen_kernel(OP norm ROLE fused LAYOUTS cs sc PATH slab DTYPES ${_dtypes} GENERATOR norm_fused_slab VARIANTS ${_cpu})
halogen_kernel(OP norm ROLE fused LAYOUTS cs sc PATH slab_act DTYPES ${_dtypes} GENERATOR norm_fused_slab PARAMS epilogue=true VARIANTS ${_cpu})
halogen_kernel(OP norm ROLE partial LAYOUTS cs PATH row DTYPES ${_dtypes} GENERATOR norm_partial_row VARIANTS ${_all})
halogen_kernel(OP norm ROLE partial LAYOUTS cs sc PATH slab DTYPES ${_dtypes} GENERATOR norm_partial_slab VARIANTS ${_cpu})
halogen_kernel(OP norm ROLE merge DTYPES f32 f64 GENERATOR norm_merge VARIANTS ${_all})
halogen_kernel(OP norm ROLE apply LAYOUTS cs PATH row DTYPES ${_dtypes} GENERATOR norm_apply_row VARIANTS ${_all})
halogen_kernel(OP norm ROLE apply LAYOUTS cs PATH row_act DTYPES ${_dtypes} GENERATOR norm_apply_row PARAMS epilogue=true VARIANTS ${_all})
halogen_kernel(OP norm ROLE apply LAYOUTS cs PATH stream DTYPES f32 f16 bf16 GENERATOR norm_apply_row STREAM y VARIANTS ${_cpu})
halogen_kernel(OP norm ROLE apply LAYOUTS cs PATH stream_act DTYPES f32 f16 bf16 GENERATOR norm_apply_row PARAMS epilogue=true STREAM y VARIANTS ${_cpu})
halogen_kernel(OP norm ROLE apply LAYOUTS cs sc PATH slab DTYPES ${_dtypes} GENERATOR norm_apply_slab VARIANTS ${_cpu})
halogen_kernel(OP norm ROLE apply LAYOUTS cs sc PATH slab_act DTYPES ${_dtypes} GENERATOR norm_apply_slab PARAMS epilogue=true VARIANTS ${_cpu})
halogen_kernel(OP norm ROLE running DTYPES ${_dtypes} GENERATOR norm_running VARIANTS ${_all})
halogen_kernel(OP norm ROLE save DTYPES f32 f64 GENERATOR norm_save VARIANTS ${_all})
halogen_kernel(OP norm ROLE convert DTYPES f16 bf16 GENERATOR norm_convert VARIANTS ${_all})

halogen_kernel(OP tensor ROLE copy DTYPES f32 f64 f16 GENERATOR tensor_copy VARIANTS ${_cpu})

// The checks that all calls of the normalisation have in common: of data, of vectors, and of what overlaps what.
#pragma once

#include <halogen/ops.h>

#include "norm_copies.h"
#include "norm_run.h"
#include "status.h"

namespace halogen {

/// A tensor of data of a call. The first of a call's is the input, which gives shape, dtype and device.
struct DataField {
  const DLTensor *given;  ///< NULL: absent, except the input
  const char *name;
  bool required;
  bool written;
  uint32_t may_be;  ///< of a written one: bits of the fields whose very places it may have
  Memory *memory;
  NormStrides *strides;

  Tensor tensor{};
  bool copied = false;

  bool present() const { return given != nullptr; }
};

/// What a vector has: a value per channel; a statistic per set, in the type that is computed in; or rows of f64 per channel.
enum class VectorOf { channels, sets, moments, sums };

/// A vector of a call.
struct VectorField {
  const DLTensor *given;  ///< NULL: absent
  const char *name;
  bool written;
  VectorOf of;
  Vector *vector;
};

/// Checks the data, and completes `problem` (extents, dtype, strides) and `copies`. `need_data` false: for a query.
halogen_status check_norm_data(const Report &report, halogen_layout layout, bool need_data, DataField *data,
                               int32_t count, NormProblem *problem, NormCopies *copies);

/// Whether field `i` lies where field `j` does.
bool same_data(const DataField *data, int32_t i, int32_t j);

/// Whether rows of a tensor of data (sets, where rows are single values) begin and end with a cache line.
bool whole_lines(const NormProblem &problem, const DataField &field);

halogen_status check_norm_vectors(const Report &report, const DataField *data, int32_t data_count,
                                  const NormProblem &problem, bool need_data, const VectorField *fields, int32_t count);

halogen_status check_no_overlap(const Report &report, const Tensor &written, const Tensor &other);

halogen_status check_norm_groups(const Report &report, halogen_norm_scope scope, int32_t num_groups,
                                 NormProblem *problem);

halogen_status check_norm_enums(const Report &report, halogen_norm_scope scope, halogen_norm_path path,
                                halogen_layout layout, double eps);

halogen_status check_norm_activation(const Report &report, halogen_activation activation, double negative_slope);

/// Moments stand for statistics over the batch: no others beside them.
halogen_status check_norm_moments(const Report &report, halogen_norm_scope scope, const DLTensor *other,
                                  const char *other_name);

/// Both or neither of two tensors.
halogen_status check_pair(const Report &report, const char *first_name, const DLTensor *first, const char *second_name,
                          const DLTensor *second);

/// On a GPU whose driver cannot begin a tensor at any byte. The driver is asked only where a tensor has an offset.
halogen_status check_norm_offsets(const Report &report, const GpuState &gpu, const Call &call, const DataField *data,
                                  int32_t data_count, const VectorField *vectors, int32_t vector_count);

}  // namespace halogen

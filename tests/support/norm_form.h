// Where the numbers of a normalisation lie: dtypes, shapes and strides of every tensor of a call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dtype.h"

namespace halogen_tests {

struct NormProblem;

/** Where the elements of input, output or residual lie. In the order N, C, ... : */
enum class Place {
  first,         /**< without gaps */
  first_slice,   /**< some channels of a tensor that has more: a gap behind every sample */
  first_samples, /**< every other sample */
  first_rows,    /**< a gap behind every channel's row */
  last,          /**< in memory N, ..., C; without gaps */
  last_slice,    /**< some channels of such a tensor: a gap behind all channels of a place */
  last_samples,  /**< every other sample of such a tensor */
  padded,        /**< a gap behind the last dimension, so that S is not one axis */
  gapped,        /**< every other element */
  transposed,    /**< dimensions in reverse */
  broadcast,     /**< all samples are the same memory; not for an output */
};
std::string place_name(Place place);

/** One tensor: its elements, in the order of `shape`, at `strides`. */
struct TensorForm {
  DLDataType dtype{};
  std::vector<int64_t> shape, strides;

  size_t count() const;
  /** From the first element to the last, gaps included. */
  size_t bytes() const;
  bool dense() const;
  /** Offsets, in elements, in the order of `shape`. */
  std::vector<size_t> offsets() const;
};

/** The elements written to `to` or read from there. */
void store(const TensorForm &form, const Values &values, void *to);
Values load(const TensorForm &form, const void *from);

/** The forms of a call's tensors. Data are (N, C, ...) here, however the call names its dimensions. */
struct NormForms {
  explicit NormForms(const NormProblem &problem);
  TensorForm input, output, residual;
  TensorForm vector; /**< weight, bias, mean, var, running_mean, running_var */
  TensorForm saved;  /**< saved_mean, saved_rstd */
};

/** `form`, whose dimensions are N, C, ..., with the channels last: N, ..., C. */
TensorForm with_channels_last(TensorForm form);

}  // namespace halogen_tests

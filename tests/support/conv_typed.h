// Transposed convolutions of any dtype: a ConvProblem's numbers as that dtype stores them, and calls with them.
#pragma once

#include <halogen/conv.h>

#include <string>
#include <vector>

#include "conv_gradients.h"
#include "conv_run.h"
#include "dtype.h"

namespace halogen_tests {

/** Numbers as a tensor of a dtype stores them; equal where the bits are. */
class Numbers {
 public:
  Numbers(DLDataType dtype, const std::vector<float> &values);
  /** NaN in every place, so that one which is not written is seen. */
  static Numbers unset(DLDataType dtype, const std::vector<int64_t> &shape);

  void *data() { return bytes_.data(); }
  const void *data() const { return bytes_.data(); }
  size_t bytes() const { return bytes_.size(); }
  size_t size() const { return bytes_.size() / bytes_of(dtype_); }
  double operator[](size_t i) const { return load(dtype_, bytes_.data() + i * bytes_of(dtype_)); }
  DLDataType dtype() const { return dtype_; }
  bool operator==(const Numbers &other) const { return bytes_ == other.bytes_; }

 private:
  DLDataType dtype_;
  std::vector<unsigned char> bytes_;
};

/** "v3 f16 path 1, <the problem>". */
std::string describe(const Variant &variant, DLDataType dtype, const ConvProblem &problem,
                     halogen_conv_path path = HALOGEN_CONV_PATH_AUTO);

/** Makes all tensors of a call of this dtype. */
void set_dtype(ConvCall &call, DLDataType dtype);
void set_dtype(ConvBackwardCall &call, DLDataType dtype);

/** Whether the library has that schedule for weights that it packs as it likes: pairs have no LENGTH. */
bool packed_path_applies(const Variant &variant, DLDataType dtype, const ConvProblem &problem, halogen_conv_path path);

/** Packed weights of a dtype, in the context's memory or in the caller's; freed with it. */
class TypedWeights {
 public:
  TypedWeights(halogen_context *context, DLDataType dtype, const ConvProblem &problem, const std::vector<float> &weight,
               void *memory = nullptr, size_t bytes = 0);
  ~TypedWeights() { halogen_conv_transpose1d_weights_destroy(handle_); }
  TypedWeights(const TypedWeights &) = delete;
  TypedWeights &operator=(const TypedWeights &) = delete;

  /** What memory of the caller's must have. */
  static size_t bytes_for(halogen_context *context, DLDataType dtype, const ConvProblem &problem);
  const halogen_conv_weights *get() const { return handle_; }

 private:
  halogen_conv_weights *handle_ = nullptr;
};

/** The output of a call; a failure fails the test. @param packed NULL: the call packs. */
Numbers typed_output(halogen_context *context, DLDataType dtype, const ConvProblem &problem, const ConvData &data,
                     halogen_conv_path path = HALOGEN_CONV_PATH_AUTO, const halogen_conv_weights *packed = nullptr);

/** The gradients of a call; a failure fails the test. */
struct TypedGradients {
  Numbers input, weight, bias;
  bool operator==(const TypedGradients &other) const {
    return input == other.input && weight == other.weight && bias == other.bias;
  }
};
TypedGradients typed_gradients(halogen_context *context, DLDataType dtype, const ConvProblem &problem,
                               const ConvData &data, const ConvBackwardData &backward,
                               halogen_conv_path path = HALOGEN_CONV_PATH_AUTO);

/** A stream of a dtype, destroyed with it; a failure to make one fails the test. */
class TypedStream {
 public:
  /** @param bias must outlive the stream */
  TypedStream(halogen_context *context, const ConvProblem &problem, Numbers &bias, const halogen_conv_weights *packed);
  ~TypedStream() { halogen_conv_transpose1d_stream_destroy(handle_); }
  TypedStream(const TypedStream &) = delete;
  TypedStream &operator=(const TypedStream &) = delete;

  /** Outputs of the next call, which pushes `chunk` inputs, or finishes where that is 0. */
  int64_t next(int64_t chunk) const;
  halogen_conv_stream *get() const { return handle_; }

 private:
  TensorView bias_;
  halogen_conv_stream *handle_ = nullptr;
};

/** Inputs [first, first + chunk) of every row of a dense (N, C_in, L) tensor, dense again. */
Numbers chunk_of(const ConvProblem &problem, const ConvData &data, DLDataType dtype, int64_t first, int64_t chunk);

/** All outputs of a stream that takes `chunk` inputs at a time, as the whole call's output has them. */
Numbers in_chunks(const TypedStream &stream, DLDataType dtype, const ConvProblem &problem, const ConvData &data,
                  int64_t chunk);

}  // namespace halogen_tests

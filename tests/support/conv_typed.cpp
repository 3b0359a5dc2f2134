#include "conv_typed.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace halogen_tests {

namespace {

size_t at(int64_t i) { return static_cast<size_t>(i); }

}  // namespace

Numbers::Numbers(DLDataType dtype, const std::vector<float> &values)
    : dtype_(dtype), bytes_(values.size() * bytes_of(dtype)) {
  for (size_t i = 0; i < values.size(); ++i) {
    store(static_cast<double>(values[i]), dtype, bytes_.data() + i * bytes_of(dtype));
  }
}

Numbers Numbers::unset(DLDataType dtype, const std::vector<int64_t> &shape) {
  Numbers numbers(dtype, {});
  // All bits set are a NaN of every floating-point type.
  numbers.bytes_.assign(at(element_count(shape)) * bytes_of(dtype), 0xff);
  return numbers;
}

std::string describe(const Variant &variant, DLDataType dtype, const ConvProblem &problem, halogen_conv_path path) {
  return variant.name + " " + short_name(dtype) + " path " + std::to_string(path) + ", " + describe(problem);
}

void set_dtype(ConvCall &call, DLDataType dtype) {
  for (TensorView *tensor : {&call.input, &call.output, &call.weight, &call.bias}) tensor->dl.dtype = dtype;
}

void set_dtype(ConvBackwardCall &call, DLDataType dtype) {
  for (TensorView *tensor : {&call.input, &call.weight, &call.grad_output, &call.output, &call.grad_input,
                             &call.grad_weight, &call.grad_bias}) {
    tensor->dl.dtype = dtype;
  }
}

bool packed_path_applies(const Variant &variant, DLDataType dtype, const ConvProblem &problem, halogen_conv_path path) {
  const bool may_be_pairs = sums_pairs(variant) && same(dtype, bfloat16);
  return path_applies(problem, path) && !(path == HALOGEN_CONV_PATH_LENGTH && may_be_pairs);
}

namespace {

halogen_conv_weights_params weights_params(const ConvProblem &problem, const TensorView &weight) {
  halogen_conv_weights_params params = HALOGEN_CONV_WEIGHTS_PARAMS_INIT;
  params.weight = &weight.dl;
  params.stride = problem.stride;
  params.dilation = problem.dilation;
  params.groups = problem.groups;
  return params;
}

}  // namespace

TypedWeights::TypedWeights(halogen_context *context, DLDataType dtype, const ConvProblem &problem,
                           const std::vector<float> &weight, void *memory, size_t bytes) {
  Numbers numbers(dtype, weight);
  const TensorView view(numbers.data(), problem.weight_shape(), dtype);
  const halogen_conv_weights_params params = weights_params(problem, view);
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status status =
      halogen_conv_transpose1d_weights_create(context, &params, memory, bytes, &handle_, &error);
  REQUIRE_MESSAGE(status == HALOGEN_OK, error.message);
}

size_t TypedWeights::bytes_for(halogen_context *context, DLDataType dtype, const ConvProblem &problem) {
  const TensorView view(nullptr, problem.weight_shape(), dtype);
  const halogen_conv_weights_params params = weights_params(problem, view);
  size_t bytes = 0;
  REQUIRE(halogen_conv_transpose1d_weights_size(context, &params, &bytes, nullptr) == HALOGEN_OK);
  return bytes;
}

Numbers typed_output(halogen_context *context, DLDataType dtype, const ConvProblem &problem, const ConvData &data,
                     halogen_conv_path path, const halogen_conv_weights *packed) {
  Numbers input(dtype, data.input), weight(dtype, data.weight), bias(dtype, data.bias);
  Numbers output = Numbers::unset(dtype, problem.output_shape());
  ConvCall call(problem, {input.data(), output.data(), weight.data(), bias.data()}, path);
  set_dtype(call, dtype);
  call.args.packed = packed;
  if (packed != nullptr) call.args.weight = nullptr;
  const halogen_status status = call.run(context);
  REQUIRE_MESSAGE(status == HALOGEN_OK, call.error.message);
  return output;
}

TypedGradients typed_gradients(halogen_context *context, DLDataType dtype, const ConvProblem &problem,
                               const ConvData &data, const ConvBackwardData &backward, halogen_conv_path path) {
  Numbers input(dtype, data.input), weight(dtype, data.weight), grad_output(dtype, backward.grad_output),
      output(dtype, backward.output);
  TypedGradients g = {Numbers::unset(dtype, problem.input_shape()), Numbers::unset(dtype, problem.weight_shape()),
                      Numbers::unset(dtype, {problem.c_out})};
  ConvBackwardCall call(
      problem,
      {input.data(), weight.data(), grad_output.data(), output.data(), g.input.data(), g.weight.data(), g.bias.data()},
      path);
  set_dtype(call, dtype);
  const halogen_status status = call.run(context);
  REQUIRE_MESSAGE(status == HALOGEN_OK, call.error.message);
  return g;
}

TypedStream::TypedStream(halogen_context *context, const ConvProblem &problem, Numbers &bias,
                         const halogen_conv_weights *packed)
    : bias_(bias.data(), {problem.c_out}, bias.dtype()) {
  halogen_conv_stream_params params = HALOGEN_CONV_STREAM_PARAMS_INIT;
  params.packed = packed;
  params.bias = problem.bias ? &bias_.dl : nullptr;
  params.samples = problem.n;
  params.pad_left = problem.pad_left;
  params.pad_right = problem.pad_right;
  params.input_activation = problem.input_activation;
  params.activation = problem.activation;
  params.input_slope = problem.input_slope;
  params.activation_slope = problem.slope;
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status status = halogen_conv_transpose1d_stream_create(context, &params, &handle_, &error);
  REQUIRE_MESSAGE(status == HALOGEN_OK, error.message);
}

int64_t TypedStream::next(int64_t chunk) const {
  int64_t length = -1;
  REQUIRE(halogen_conv_transpose1d_stream_output_length(handle_, chunk, &length, nullptr) == HALOGEN_OK);
  return length;
}

Numbers chunk_of(const ConvProblem &problem, const ConvData &data, DLDataType dtype, int64_t first, int64_t chunk) {
  std::vector<float> values;
  for (int64_t row = 0; row < problem.n * problem.c_in; ++row) {
    const auto from = data.input.begin() + row * problem.length + first;
    values.insert(values.end(), from, from + chunk);
  }
  return {dtype, values};
}

Numbers in_chunks(const TypedStream &stream, DLDataType dtype, const ConvProblem &problem, const ConvData &data,
                  int64_t chunk) {
  const int64_t whole = problem.out_length();
  Numbers joined = Numbers::unset(dtype, {problem.n, problem.c_out, whole});
  int64_t done = 0;
  const auto step = [&](int64_t first, int64_t count) {
    const int64_t length = stream.next(count);
    REQUIRE(length <= whole - done);
    Numbers input = chunk_of(problem, data, dtype, first, count);
    const TensorView x(input.data(), {problem.n, problem.c_in, count}, dtype);
    // In place: the outputs of a row are the whole row's next ones.
    TensorView y(static_cast<char *>(joined.data()) + at(done) * bytes_of(dtype), {problem.n, problem.c_out, length},
                 dtype);
    y.set_strides({problem.c_out * whole, whole, 1});
    const DLTensor *output = length > 0 ? &y.dl : nullptr;
    halogen_error error = HALOGEN_ERROR_INIT;
    const halogen_status status = count > 0 ? halogen_conv_transpose1d_stream_push(stream.get(), &x.dl, output, &error)
                                            : halogen_conv_transpose1d_stream_finish(stream.get(), output, &error);
    REQUIRE_MESSAGE(status == HALOGEN_OK, error.message);
    done += length;
  };
  for (int64_t first = 0; first < problem.length; first += chunk) step(first, std::min(chunk, problem.length - first));
  step(0, 0);
  CHECK(done == whole);
  return joined;
}

}  // namespace halogen_tests

// A transposed convolution in chunks: the last inputs are kept, and each chunk is a convolution of them and itself, cropped to the
// outputs that are new.
#include <algorithm>
#include <cstring>

#include "context.h"
#include "conv.h"
#include "scratch.h"
#include "struct_size.h"

struct halogen_conv_stream {
  halogen_context *context;
  halogen_conv_stream_params params;
  DLTensor bias;  ///< of params.bias, with a shape of our own
  int64_t bias_shape, bias_stride;
  int64_t pushed;   ///< inputs so far
  int64_t history;  ///< inputs that are kept at most
  char *kept;       ///< (N, C_in, kept_count()), the last inputs

  const halogen::ConvWeightShape &shape() const { return params.packed->shape; }
  int64_t kept_count() const { return std::min(pushed, history); }
  int64_t rows() const { return params.samples * shape().C_in; }
};

namespace halogen {
namespace {

/// Inputs of a signal, at most: outputs are counted in 64 bits, whatever the stride is.
int64_t most_inputs(const ConvWeightShape &w) { return std::min(int64_t{1} << 40, (int64_t{1} << 60) / w.stride); }

/// From an input's first output to its last.
int64_t reach(const ConvWeightShape &w) { return w.dilation * (w.K - 1) + 1; }

/// Outputs of the full result before which all is certain after `inputs` of them: what a later input, or the crop at the end, cannot
/// reach. What the crop at the start takes counts as given.
int64_t certain(const halogen_conv_stream &s, int64_t inputs) {
  if (inputs == 0) return s.params.pad_left;
  const ConvWeightShape &w = s.shape();
  const int64_t end = (inputs - 1) * w.stride + reach(w) - s.params.pad_right;
  return std::max(s.params.pad_left, std::min(inputs * w.stride, end));
}

/// All outputs after `inputs`, if no more come.
int64_t end_of(const halogen_conv_stream &s, int64_t inputs) {
  return (inputs - 1) * s.shape().stride + reach(s.shape()) - s.params.pad_right;
}

DLTensor view_of(void *data, const halogen_conv_stream &s, int64_t (&shape)[3], int64_t length) {
  shape[0] = s.params.samples;
  shape[1] = s.shape().C_in;
  shape[2] = length;
  DLTensor view = {};
  view.data = data;
  view.device = {kDLCPU, 0};
  view.ndim = 3;
  view.dtype = dlpack_of(s.shape().dtype);
  view.shape = shape;
  return view;
}

/// Outputs [first, last) of the full result, from `count` inputs at `data`, of which the first is input `base`.
halogen_status convolve(const halogen_conv_stream &s, void *data, int64_t base, int64_t count, int64_t first,
                        int64_t last, const DLTensor *output, halogen_error *error) {
  const ConvWeightShape &w = s.shape();
  int64_t shape[3];
  const DLTensor input = view_of(data, s, shape, count);
  halogen_conv_transpose1d_args args = HALOGEN_CONV_TRANSPOSE1D_ARGS_INIT;
  args.input = &input;
  args.output = output;
  args.packed = s.params.packed;
  args.bias = s.params.bias != nullptr ? &s.bias : nullptr;
  args.pad_left = first - w.stride * base;
  args.pad_right = (count - 1) * w.stride + reach(w) - args.pad_left - (last - first);
  args.input_activation = s.params.input_activation;
  args.activation = s.params.activation;
  args.input_slope = s.params.input_slope;
  args.activation_slope = s.params.activation_slope;
  return conv_call(s.context, args, false, nullptr, error);
}

/// The chunk, checked: (N, C_in, at least 1).
halogen_status check_chunk(const Report &report, const halogen_conv_stream &s, const DLTensor *input, Tensor *checked) {
  const halogen_status status = check_tensor(report, "input", input, dlpack_of(s.shape().dtype), true, checked);
  if (status != HALOGEN_OK) return status;
  if (checked->memory.device.device_type != kDLCPU) {
    return fail(report, HALOGEN_ERROR_DEVICE,
                "input: expected a tensor on the CPU (device_type %d), got device_type %d", kDLCPU,
                static_cast<int>(checked->memory.device.device_type));
  }
  if (checked->ndim != 3) {
    return fail(report, HALOGEN_ERROR_RANK, "input: expected 3 dimensions (N, C, chunk), got %d", checked->ndim);
  }
  if (checked->shape[0] != s.params.samples || checked->shape[1] != s.shape().C_in || checked->shape[2] < 1) {
    char got[160];
    const halogen_status wrong = checked->shape[1] != s.shape().C_in ? HALOGEN_ERROR_CHANNELS : HALOGEN_ERROR_SHAPE;
    return fail(report, wrong, "input: expected (%lld, %lld, 1 or more), got %s",
                static_cast<long long>(s.params.samples), static_cast<long long>(s.shape().C_in),
                shape_text(*checked, got));
  }
  const int64_t most = most_inputs(s.shape());
  if (checked->shape[2] > most - s.pushed) {
    return fail(report, HALOGEN_ERROR_SIZE, "input: expected a signal of at most %lld inputs, got more",
                static_cast<long long>(most));
  }
  return HALOGEN_OK;
}

/// Rows of `count` elements, `to_row` and `from_row` apart.
void copy_rows(char *to, int64_t to_row, const char *from, int64_t from_row, int64_t count, int64_t rows,
               int64_t size) {
  for (int64_t row = 0; row < rows; ++row) {
    std::memcpy(to + row * to_row * size, from + row * from_row * size, static_cast<size_t>(count * size));
  }
}

/// Keeps the last of `count` inputs.
void keep(halogen_conv_stream *s, const char *joined, int64_t count, int64_t pushed) {
  s->pushed = pushed;
  const int64_t kept = s->kept_count(), size = dtype_bytes(s->shape().dtype);
  copy_rows(s->kept, kept, joined + (count - kept) * size, count, kept, s->rows(), size);
}

halogen_status push(halogen_conv_stream *s, const DLTensor *input, const DLTensor *output, halogen_error *error) {
  const Report report = {s->context, error};
  Tensor chunk;
  const halogen_status status = check_chunk(report, *s, input, &chunk);
  if (status != HALOGEN_OK) return status;
  const int64_t kept = s->kept_count(), added = chunk.shape[2], count = kept + added;
  const int64_t size = dtype_bytes(s->shape().dtype);
  Call call(s->context, nullptr, 0, error);
  Scratch scratch(&call, {kDLCPU, 0});
  if (!scratch.acquire(s->rows() * count * size)) return call.finish(-1);
  auto *joined = static_cast<char *>(scratch.memory().address());
  copy_rows(joined, count, s->kept, kept, kept, s->rows(), size);
  copy_rows(joined + kept * size, count, static_cast<const char *>(chunk.memory.address()), added, added, s->rows(),
            size);
  const int64_t first = certain(*s, s->pushed), last = certain(*s, s->pushed + added);
  if (first < last) {
    const halogen_status ran = convolve(*s, joined, s->pushed - kept, count, first, last, output, error);
    if (ran != HALOGEN_OK) return ran;
  }
  keep(s, joined, count, s->pushed + added);
  return HALOGEN_OK;
}

halogen_status check_params(const Report &report, const halogen_conv_stream_params &p) {
  if (p.packed == nullptr) return fail_null(report, "packed");
  if (p.samples < 1) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "samples: expected 1 or more, got %lld",
                static_cast<long long>(p.samples));
  }
  const int64_t most = INT32_MAX;
  if (p.pad_left > most || p.pad_left < -most || p.pad_right > most || p.pad_right < -most ||
      p.samples > most / p.packed->shape.C_in) {
    return fail(report, HALOGEN_ERROR_SIZE, "samples * C_in, pad_left, pad_right: expected less than 2^31, got more");
  }
  return HALOGEN_OK;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_conv_transpose1d_stream_create(halogen_context *context,
                                                      const halogen_conv_stream_params *params,
                                                      halogen_conv_stream **stream, halogen_error *error) {
  const Report report = {context, error};
  if (context == nullptr) return fail_null(report, "context");
  if (params == nullptr) return fail_null(report, "params");
  if (stream == nullptr) return fail_null(report, "stream");
  halogen_conv_stream_params read;
  halogen_status status = read_struct(report, "params", params, &read);
  if (status == HALOGEN_OK) status = check_params(report, read);
  if (status != HALOGEN_OK) return status;
  const ConvWeightShape &w = read.packed->shape;
  const int64_t held = std::max<int64_t>(0, w.stride - reach(w) + read.pad_right);
  const int64_t history = std::max<int64_t>(1, (reach(w) - 1 + held) / w.stride);
  constexpr size_t kHeader = (sizeof(halogen_conv_stream) + kAlignment - 1) / kAlignment * kAlignment;
  int64_t bytes = 0;
  if (__builtin_mul_overflow(read.samples * w.C_in, history * dtype_bytes(w.dtype), &bytes)) bytes = INT64_MAX / 2;
  auto *made = static_cast<halogen_conv_stream *>(context->workspace.acquire(kHeader + static_cast<size_t>(bytes)));
  if (made == nullptr) {
    return fail(report, HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for %lld inputs of history",
                static_cast<long long>(history));
  }
  *made = {context, read, {}, 0, 1, 0, history, reinterpret_cast<char *>(made) + kHeader};
  if (read.bias != nullptr) {
    made->bias = *read.bias;
    if (read.bias->ndim == 1 && read.bias->shape != nullptr) {
      made->bias_shape = read.bias->shape[0];
      made->bias.shape = &made->bias_shape;
      if (read.bias->strides != nullptr) made->bias_stride = read.bias->strides[0];
      made->bias.strides = &made->bias_stride;
    }
  }
  // One input's outputs, as a question: what is wrong with bias or activations is said here.
  int64_t shape[3], output_shape[3] = {read.samples, w.C_out, reach(w)};
  const DLTensor input = view_of(nullptr, *made, shape, 1);
  DLTensor output = input;
  output.shape = output_shape;
  halogen_conv_transpose1d_args args = HALOGEN_CONV_TRANSPOSE1D_ARGS_INIT;
  args.input = &input;
  args.output = &output;
  args.packed = read.packed;
  args.bias = read.bias != nullptr ? &made->bias : nullptr;
  args.input_activation = read.input_activation;
  args.activation = read.activation;
  args.input_slope = read.input_slope;
  args.activation_slope = read.activation_slope;
  halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
  status = conv_call(context, args, true, &info, error);
  if (status != HALOGEN_OK) {
    context->workspace.release(made);
    return status;
  }
  *stream = made;
  return HALOGEN_OK;
}

void halogen_conv_transpose1d_stream_destroy(halogen_conv_stream *stream) {
  if (stream != nullptr) stream->context->workspace.release(stream);
}

halogen_status halogen_conv_transpose1d_stream_output_length(const halogen_conv_stream *stream, int64_t chunk,
                                                             int64_t *output_length, halogen_error *error) {
  if (stream == nullptr) return fail_null({nullptr, error}, "stream");
  const Report report = {stream->context, error};
  if (output_length == nullptr) return fail_null(report, "output_length");
  const int64_t most = most_inputs(stream->shape());
  if (chunk < 0 || chunk > most - stream->pushed) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "chunk: expected 0 or more, and a signal of at most %lld inputs, got %lld",
                static_cast<long long>(most), static_cast<long long>(chunk));
  }
  const int64_t given = certain(*stream, stream->pushed);
  *output_length = chunk > 0             ? certain(*stream, stream->pushed + chunk) - given
                   : stream->pushed == 0 ? 0
                                         : std::max<int64_t>(0, end_of(*stream, stream->pushed) - given);
  return HALOGEN_OK;
}

halogen_status halogen_conv_transpose1d_stream_push(halogen_conv_stream *stream, const DLTensor *input,
                                                    const DLTensor *output, halogen_error *error) {
  if (stream == nullptr) return fail_null({nullptr, error}, "stream");
  return push(stream, input, output, error);
}

halogen_status halogen_conv_transpose1d_stream_finish(halogen_conv_stream *stream, const DLTensor *output,
                                                      halogen_error *error) {
  if (stream == nullptr) return fail_null({nullptr, error}, "stream");
  const Report report = {stream->context, error};
  if (stream->pushed == 0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "stream: expected inputs before the finish, got none");
  }
  const int64_t given = certain(*stream, stream->pushed), end = end_of(*stream, stream->pushed);
  if (end < stream->params.pad_left) {
    return fail(report, HALOGEN_ERROR_OUTPUT_LENGTH, "output: expected a length of 0 or more, got %lld",
                static_cast<long long>(end - stream->params.pad_left));
  }
  const int64_t kept = stream->kept_count();
  if (given < end) {
    const halogen_status ran = convolve(*stream, stream->kept, stream->pushed - kept, kept, given, end, output, error);
    if (ran != HALOGEN_OK) return ran;
  }
  stream->pushed = 0;
  return HALOGEN_OK;
}

halogen_status halogen_conv_transpose1d_stream_reset(halogen_conv_stream *stream, halogen_error *error) {
  if (stream == nullptr) return fail_null({nullptr, error}, "stream");
  stream->pushed = 0;
  return HALOGEN_OK;
}

}  // extern "C"

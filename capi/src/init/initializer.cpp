#include "initializer.h"

#include <cmath>

#include "distribution.h"
#include "normal.h"
#include "parallel.h"
#include "struct_size.h"
#include "tensor.h"

namespace halogen {
namespace {

halogen_status out_of_range(const Report &report, const char *field, const char *expected, double got) {
  return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected %s, got %g", field, expected, got);
}

/// sigma, or an interval's end.
halogen_status check_finite(const Report &report, const char *field, double value) {
  return std::isfinite(value) ? HALOGEN_OK : out_of_range(report, field, "a finite number", value);
}

/// Both of a pair, the first not above the second.
halogen_status check_ordered(const Report &report, const char *first, double low, const char *second, double high) {
  halogen_status status = check_finite(report, first, low);
  if (status == HALOGEN_OK) status = check_finite(report, second, high);
  if (status != HALOGEN_OK || (low <= high && std::isfinite(high - low))) return status;
  return fail(report, HALOGEN_ERROR_ARGUMENT, "%s, %s: expected an interval, got [%g, %g]", first, second, low, high);
}

halogen_status check_normal(const Report &report, double mean, double sigma) {
  const halogen_status status = check_finite(report, "mean", mean);
  if (status != HALOGEN_OK || (sigma >= 0 && std::isfinite(sigma))) return status;
  return out_of_range(report, "sigma", "a finite number of 0 or more", sigma);
}

/// n_in and n_out.
halogen_status fans(const Report &report, const Tensor &tensor, double *in, double *out) {
  if (tensor.ndim < 2) {
    return fail(
        report, HALOGEN_ERROR_RANK,
        "'fan_in' and 'fan_out' can not be computed for tensor with fewer than 2 dimensions, but got dimensions "
        "%d.",
        tensor.ndim);
  }
  double field = 1;
  for (int32_t i = 2; i < tensor.ndim; ++i) field *= static_cast<double>(tensor.shape[i]);
  *in = static_cast<double>(tensor.shape[1]) * field;
  *out = static_cast<double>(tensor.shape[0]) * field;
  return HALOGEN_OK;
}

halogen_status gain_of(const Report &report, const halogen_initializer &from, double *gain) {
  switch (from.nonlinearity) {
    case HALOGEN_NONLINEARITY_LEAKY_RELU:
      *gain = square_root(2 / (1 + from.negative_slope * from.negative_slope));
      return check_finite(report, "negative_slope", from.negative_slope);
    case HALOGEN_NONLINEARITY_RELU:
      *gain = square_root(2);
      return HALOGEN_OK;
    case HALOGEN_NONLINEARITY_TANH:
      *gain = 5.0 / 3;
      return HALOGEN_OK;
    case HALOGEN_NONLINEARITY_SIGMOID:
    case HALOGEN_NONLINEARITY_LINEAR:
      *gain = 1;
      return HALOGEN_OK;
  }
  return fail(report, HALOGEN_ERROR_ARGUMENT, "nonlinearity: expected 0 to 4, got %d",
              static_cast<int>(from.nonlinearity));
}

/// HeUniform and HeNormal.
halogen_status he(const Report &report, const halogen_initializer &from, const Tensor &tensor, Distribution *to) {
  if (from.fan != HALOGEN_FAN_IN && from.fan != HALOGEN_FAN_OUT) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "fan: expected in (0) or out (1), got %d", static_cast<int>(from.fan));
  }
  double in = 0, out = 0, gain = 0;
  halogen_status status = fans(report, tensor, &in, &out);
  if (status == HALOGEN_OK) status = gain_of(report, from, &gain);
  if (status != HALOGEN_OK) return status;
  const double sigma = gain / square_root(from.fan == HALOGEN_FAN_IN ? in : out);
  const double bound = square_root(3) * sigma;
  *to = from.kind == HALOGEN_INITIALIZER_HE_UNIFORM ? Distribution::uniform_in(-bound, bound)
                                                    : Distribution::normal_of(0, sigma);
  return HALOGEN_OK;
}

halogen_status xavier(const Report &report, const halogen_initializer &from, const Tensor &tensor, Distribution *to) {
  double in = 0, out = 0;
  halogen_status status = fans(report, tensor, &in, &out);
  if (status != HALOGEN_OK) return status;
  const double bound = from.gain * square_root(6 / (in + out));
  *to = Distribution::uniform_in(-bound, bound);
  return check_finite(report, "gain", from.gain);
}

halogen_status truncated(const Report &report, const halogen_initializer &from, Distribution *to) {
  halogen_status status = check_normal(report, from.mean, from.sigma);
  if (status == HALOGEN_OK) status = check_ordered(report, "a", from.a, "b", from.b);
  if (status != HALOGEN_OK) return status;
  *to = Distribution::truncated(from.mean, from.sigma, from.a, from.b);
  if (to->below < to->above) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_ARGUMENT, "a, b: expected an interval of positive probability, got [%g, %g] sigma",
              from.a, from.b);
}

halogen_status distribution_of(const Report &report, const halogen_initializer &from, const Tensor &tensor,
                               Distribution *to) {
  halogen_status status = HALOGEN_OK;
  switch (from.kind) {
    case HALOGEN_INITIALIZER_ZERO:
    case HALOGEN_INITIALIZER_ONE:
      *to = Distribution::constant_of(from.kind == HALOGEN_INITIALIZER_ONE);
      return HALOGEN_OK;
    case HALOGEN_INITIALIZER_CONSTANT:
      *to = Distribution::constant_of(from.value);
      return HALOGEN_OK;
    case HALOGEN_INITIALIZER_UNIFORM:
      status = check_ordered(report, "low", from.low, "high", from.high);
      *to = Distribution::uniform_in(from.low, from.high);
      return status;
    case HALOGEN_INITIALIZER_NORMAL:
      status = check_normal(report, from.mean, from.sigma);
      *to = Distribution::normal_of(from.mean, from.sigma);
      return status;
    case HALOGEN_INITIALIZER_TRUNCATED_NORMAL:
      return truncated(report, from, to);
    case HALOGEN_INITIALIZER_HE_UNIFORM:
    case HALOGEN_INITIALIZER_HE_NORMAL:
      return he(report, from, tensor, to);
    case HALOGEN_INITIALIZER_XAVIER_UNIFORM:
      return xavier(report, from, tensor, to);
    case HALOGEN_INITIALIZER_TENSOR:
      break;
  }
  return fail(report, HALOGEN_ERROR_ARGUMENT, "kind: expected a halogen_initializer_kind (0 to 9), got %d",
              static_cast<int>(from.kind));
}

halogen_status copy(const Report &report, const DLTensor *given, const Tensor &to) {
  Tensor from;
  const halogen_status status = check_tensor(report, "initializer.tensor", given, to.dtype, true, &from);
  if (status != HALOGEN_OK) return status;
  bool same = from.ndim == to.ndim;
  for (int32_t i = 0; same && i < to.ndim; ++i) same = from.shape[i] == to.shape[i];
  if (!same) {
    char wanted[160], got[160];
    return fail(report, HALOGEN_ERROR_SHAPE, "initializer.tensor: expected %s, got %s", shape_text(to, wanted),
                shape_text(from, got));
  }
  if (from.memory.device.device_type != kDLCPU) {
    return fail(report, HALOGEN_ERROR_DEVICE, "initializer.tensor: expected device_type %d (CPU), got %d", kDLCPU,
                static_cast<int>(from.memory.device.device_type));
  }
  if (overlap(from, to)) {
    return fail(report, HALOGEN_ERROR_OVERLAP, "initializer.tensor: expected memory of its own, got the tensor's");
  }
  if (to.bytes > 0) std::memcpy(to.memory.address(), from.memory.address(), static_cast<size_t>(to.bytes));
  return HALOGEN_OK;
}

}  // namespace

halogen_status initialize(halogen_context *context, const Report &report, const halogen_initializer &initializer,
                          const Seed &seed, const DLTensor *tensor) {
  Tensor to;
  halogen_status status = check_data(report, "tensor", tensor, true, &to);
  if (status == HALOGEN_OK) status = check_tensor(report, "tensor", tensor, to.dtype, true, &to);
  if (status != HALOGEN_OK) return status;
  if (to.memory.device.device_type != kDLCPU) {
    return fail(report, HALOGEN_ERROR_DEVICE, "tensor: expected device_type %d (CPU), got %d", kDLCPU,
                static_cast<int>(to.memory.device.device_type));
  }
  if (initializer.kind == HALOGEN_INITIALIZER_TENSOR) return copy(report, initializer.tensor, to);
  Distribution distribution = {};
  status = distribution_of(report, initializer, to, &distribution);
  if (status != HALOGEN_OK) return status;
  // Pieces that are worth a thread, of whole blocks.
  constexpr int64_t kPiece = 8192;
  const int64_t pieces = to.elements / kPiece + (to.elements % kPiece != 0);
  if (pieces > INT32_MAX) {
    return fail(report, HALOGEN_ERROR_SIZE, "tensor: expected at most %lld elements, got %lld",
                static_cast<long long>(kPiece * INT32_MAX), static_cast<long long>(to.elements));
  }
  Call call(context, nullptr, 0, report.error);
  return call.finish(parallel_for(&call, pieces, [&](int64_t index) {
    const int64_t first = index * kPiece, last = first + kPiece < to.elements ? first + kPiece : to.elements;
    draw(distribution, seed, first, last, to.dtype, to.memory.address());
    return 0;
  }));
}

}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_initializer_init(halogen_initializer *initializer, size_t struct_size,
                                        halogen_initializer_kind kind, halogen_error *error) {
  const Report report = {nullptr, error};
  if (initializer == nullptr) return fail_null(report, "initializer");
  if (kind < HALOGEN_INITIALIZER_ZERO || kind > HALOGEN_INITIALIZER_XAVIER_UNIFORM) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "kind: expected a halogen_initializer_kind (0 to 9), got %d",
                static_cast<int>(kind));
  }
  return init_struct(report, struct_size, initializer_of(kind), initializer);
}

halogen_status halogen_initialize(halogen_context *context, const halogen_initializer *initializer, uint64_t seed,
                                  uint64_t stream, const DLTensor *tensor, halogen_error *error) {
  const Report report = {context, error};
  if (context == nullptr) return fail_null(report, "context");
  if (initializer == nullptr) return fail_null(report, "initializer");
  halogen_initializer read;
  const halogen_status status = read_struct(report, "initializer", initializer, &read);
  return status == HALOGEN_OK ? initialize(context, report, read, {seed, stream}, tensor) : status;
}

}  // extern "C"

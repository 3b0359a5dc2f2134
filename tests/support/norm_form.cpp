#include "norm_form.h"

#include <algorithm>

#include "norm_problem.h"

namespace halogen_tests {

namespace {

std::vector<int64_t> strides_of(const std::vector<int64_t> &shape, Place place) {
  constexpr int64_t more_channels = 3, gap = 5;
  const size_t rank = shape.size();
  const int64_t channels = shape[1];
  std::vector<int64_t> strides(rank, 1);
  // Dimensions from the third on, their innermost at stride `inner`. Returns the stride behind them.
  const auto lay_rows = [&](int64_t inner) {
    for (size_t d = rank; d-- > 2;) {
      strides[d] = inner;
      inner *= shape[d];
    }
    return inner;
  };
  switch (place) {
    case Place::first:
    case Place::first_slice:
    case Place::first_samples:
    case Place::first_rows:
    case Place::broadcast:
      strides[1] = lay_rows(1) + (place == Place::first_rows ? gap : 0);
      strides[0] = strides[1] * (channels + (place == Place::first_slice ? more_channels : 0));
      if (place == Place::first_samples) strides[0] *= 2;
      if (place == Place::broadcast) strides[0] = 0;
      break;
    case Place::last:
    case Place::last_slice:
    case Place::last_samples:
      strides[1] = 1;
      strides[0] = lay_rows(channels + (place == Place::last_slice ? more_channels : 0));
      if (place == Place::last_samples) strides[0] *= 2;
      break;
    case Place::padded:
    case Place::gapped:
      strides[rank - 1] = place == Place::gapped ? 2 : 1;
      for (size_t d = rank - 1; d-- > 0;) {
        const bool behind_last = place == Place::padded && d + 2 == rank;
        strides[d] = strides[d + 1] * shape[d + 1] + (behind_last ? gap : 0);
      }
      break;
    case Place::transposed:
      for (size_t d = 1; d < rank; ++d) strides[d] = strides[d - 1] * shape[d - 1];
      break;
  }
  return strides;
}

TensorForm dense_form(DLDataType dtype, std::vector<int64_t> shape) {
  const std::vector<int64_t> strides = dense_strides(shape);
  return {dtype, std::move(shape), strides};
}

}  // namespace

std::string place_name(Place place) {
  static const char *const names[] = {"first",  "first_slice", "first_samples", "first_rows",
                                      "last",   "last_slice",  "last_samples",  "padded",
                                      "gapped", "transposed",  "broadcast"};
  return names[static_cast<size_t>(place)];
}

size_t TensorForm::count() const { return static_cast<size_t>(element_count(shape)); }

size_t TensorForm::bytes() const {
  if (count() == 0) return 0;
  int64_t reach = 1;
  for (size_t d = 0; d < shape.size(); ++d) reach += (shape[d] - 1) * strides[d];
  return static_cast<size_t>(reach) * bytes_of(dtype);
}

bool TensorForm::dense() const { return strides == dense_strides(shape); }

std::vector<size_t> TensorForm::offsets() const {
  std::vector<size_t> all;
  all.reserve(count());
  if (count() == 0) return all;
  std::vector<int64_t> index(shape.size(), 0);
  const size_t last = shape.size() - 1;
  int64_t row = 0;
  while (all.size() < count()) {
    for (int64_t i = 0; i < shape[last]; ++i) all.push_back(static_cast<size_t>(row + i * strides[last]));
    for (size_t d = last; d-- > 0;) {
      row += strides[d];
      if (++index[d] < shape[d]) break;
      row -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
  return all;
}

void store(const TensorForm &form, const Values &values, void *to) {
  if (same(form.dtype, float32) && form.dense()) {
    std::copy_n(values.begin(), form.count(), static_cast<float *>(to));
    return;
  }
  const size_t size = bytes_of(form.dtype);
  const std::vector<size_t> offsets = form.offsets();
  for (size_t i = 0; i < offsets.size(); ++i) {
    store(values[i], form.dtype, static_cast<unsigned char *>(to) + offsets[i] * size);
  }
}

Values load(const TensorForm &form, const void *from) {
  if (same(form.dtype, float32) && form.dense()) {
    const float *floats = static_cast<const float *>(from);
    return Values(floats, floats + form.count());
  }
  const size_t size = bytes_of(form.dtype);
  const std::vector<size_t> offsets = form.offsets();
  Values values(offsets.size());
  for (size_t i = 0; i < offsets.size(); ++i) {
    values[i] = load(form.dtype, static_cast<const unsigned char *>(from) + offsets[i] * size);
  }
  return values;
}

NormForms::NormForms(const NormProblem &p)
    : input{p.dtype, p.shape, strides_of(p.shape, p.input_place)},
      output{p.dtype, p.shape, strides_of(p.shape, p.output_place)},
      residual{p.dtype, p.shape, strides_of(p.shape, p.residual_place)},
      vector(dense_form(p.parameter_type(), {p.c()})),
      saved(dense_form(p.compute_type(), {p.c()})) {
  if (p.scope == HALOGEN_NORM_SCOPE_INSTANCE) saved = dense_form(p.compute_type(), {p.n(), p.c()});
  if (p.scope == HALOGEN_NORM_SCOPE_GROUP) saved = dense_form(p.compute_type(), {p.n(), p.num_groups});
}

TensorForm with_channels_last(TensorForm form) {
  std::rotate(form.shape.begin() + 1, form.shape.begin() + 2, form.shape.end());
  std::rotate(form.strides.begin() + 1, form.strides.begin() + 2, form.strides.end());
  return form;
}

}  // namespace halogen_tests

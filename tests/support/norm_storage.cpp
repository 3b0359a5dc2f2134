#include "norm_storage.h"

#include <cmath>
#include <cstring>

namespace halogen_tests {

namespace {

constexpr unsigned char canary = 0xa5;

Values unwritten(const TensorForm &form) { return Values(form.count(), std::nan("")); }

/** The form of a tensor that the call does not have: no elements. */
TensorForm form_if(bool exists, const TensorForm &form) { return exists ? form : TensorForm{form.dtype, {0}, {1}}; }

}  // namespace

NormOutputs read_outputs(const NormProblem &problem, const NormMemory &memory) {
  const NormForms forms(problem);
  NormOutputs read;
  read.output = load(forms.output, memory.output);
  read.running_mean = load(forms.vector, memory.running_mean);
  read.running_var = load(forms.vector, memory.running_var);
  if (problem.saved) {
    read.saved_mean = load(forms.saved, memory.saved_mean);
    read.saved_rstd = load(forms.saved, memory.saved_rstd);
  }
  return read;
}

StoredTensor::StoredTensor(const TensorForm &form, const Values &values, size_t slack)
    : form_(form), bytes_(form.bytes() + slack, canary) {
  store(form_, values, bytes_.data());
}

bool StoredTensor::gaps_intact() const {
  if (form_.dense() && bytes_.size() == form_.bytes()) return true;
  std::vector<unsigned char> expected(bytes_.size(), canary);
  const size_t size = bytes_of(form_.dtype);
  for (const size_t offset : form_.offsets()) {
    std::memcpy(expected.data() + offset * size, bytes_.data() + offset * size, size);
  }
  return bytes_ == expected;
}

NormStorage::NormStorage(const NormProblem &problem, const NormData &data, size_t slack)
    : NormStorage(NormForms(problem), problem, data, slack) {}

NormStorage::NormStorage(const NormForms &forms, const NormProblem &problem, const NormData &data, size_t slack)
    : input(forms.input, data.input, slack),
      output(forms.output, unwritten(forms.output), slack),
      weight(forms.vector, data.weight, slack),
      bias(forms.vector, data.bias, slack),
      mean(forms.vector, data.mean, slack),
      var(forms.vector, data.var, slack),
      running_mean(forms.vector, data.running_mean, slack),
      running_var(forms.vector, data.running_var, slack),
      residual(form_if(problem.residual, forms.residual), data.residual, slack),
      saved_mean(form_if(problem.saved, forms.saved), unwritten(forms.saved), slack),
      saved_rstd(form_if(problem.saved, forms.saved), unwritten(forms.saved), slack) {}

NormMemory NormStorage::memory() {
  return {input.data(),        output.data(),      weight.data(),   bias.data(),       mean.data(),      var.data(),
          running_mean.data(), running_var.data(), residual.data(), saved_mean.data(), saved_rstd.data()};
}

std::vector<StoredTensor *> NormStorage::all() {
  return {&input,        &output,      &weight,   &bias,       &mean,      &var,
          &running_mean, &running_var, &residual, &saved_mean, &saved_rstd};
}

}  // namespace halogen_tests

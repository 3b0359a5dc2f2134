// The tensors of a call in memory of their own.
#pragma once

#include <cstddef>
#include <vector>

#include "norm_problem.h"

namespace halogen_tests {

/** Where the tensors of a call lie; `output` may equal `input` or `residual`. */
struct NormMemory {
  void *input, *output, *weight, *bias, *mean, *var, *running_mean, *running_var;
  void *residual = nullptr, *saved_mean = nullptr, *saved_rstd = nullptr;
};

/** What a call has written. */
struct NormOutputs {
  Values output, running_mean, running_var, saved_mean, saved_rstd;
};
NormOutputs read_outputs(const NormProblem &problem, const NormMemory &memory);

/** Bytes for a tensor, with a canary in its gaps. */
class StoredTensor {
 public:
  /** `slack` more bytes of canary behind it, so that shifted views stay in memory we own. */
  StoredTensor(const TensorForm &form, const Values &values, size_t slack = 0);
  void *data() { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }
  const TensorForm &form() const { return form_; }
  Values values() const { return load(form_, bytes_.data()); }
  /** True while the canary is as it was. */
  bool gaps_intact() const;

 private:
  TensorForm form_;
  std::vector<unsigned char> bytes_;
};

/** All tensors of a call. The output begins as NaN, saved statistics as well. */
struct NormStorage {
  NormStorage(const NormProblem &problem, const NormData &data, size_t slack = 0);
  NormMemory memory();
  std::vector<StoredTensor *> all();

  StoredTensor input, output, weight, bias, mean, var, running_mean, running_var, residual, saved_mean, saved_rstd;

 private:
  NormStorage(const NormForms &forms, const NormProblem &problem, const NormData &data, size_t slack);
};

}  // namespace halogen_tests

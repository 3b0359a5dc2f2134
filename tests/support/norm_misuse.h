// Misused calls of halogen/ops.h: a valid call with every tensor, and one thing spoilt.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "misuse.h"
#include "norm_run.h"

namespace halogen_tests {

/** Scope batch, affine, with running statistics. */
NormProblem affine_with_running();
/** Affine, with given statistics. */
NormProblem with_given();

/** The memory of a valid call. Tensors are followed by slack, so that shifted views stay in memory we own. */
struct ValidMemory {
  explicit ValidMemory(const NormProblem &problem);
  NormMemory memory() { return storage.memory(); }
  /** All that a refused call must leave alone. */
  std::vector<Watched> watched();

  NormStorage storage;
};

using Spoil = std::function<void(NormCall &)>;

/** Which of the two functions refuse it: a query looks at no data. */
enum class By { both, forward };

/** Spoils a valid call of `problem`, which must then be refused. */
void refused(const std::string &what, halogen_status status, const std::vector<std::string> &words, const Spoil &spoil,
             By by = By::both, const NormProblem &problem = affine_with_running());

/** Changes a valid call of `problem`, which must still be valid. */
void accepted(const std::string &what, const Spoil &change, const NormProblem &problem = affine_with_running());

/** The tensors of affine_with_running() by name: input, output, then the vectors. */
std::vector<std::pair<std::string, TensorView NormCall::*>> tensors();

inline float *floats(TensorView &tensor) { return static_cast<float *>(tensor.dl.data); }

}  // namespace halogen_tests

// Normalisations whose tensors lie flush against pages that may not be touched.
#pragma once

#include <array>
#include <memory>

#include "guarded.h"
#include "norm_run.h"

namespace halogen_tests {

/** All tensors of a call, each in a mapping of its own. */
class GuardedNorm {
 public:
  /** @param capacity bytes of the largest tensor. */
  explicit GuardedNorm(size_t capacity);

  /** Runs `problem` on every variant by every forced path, its tensors at either end of their mappings. */
  void check(const NormProblem &problem, OutputIs output = OutputIs::own);

 private:
  std::string run(const Variant &variant, halogen_norm_path path, const NormProblem &problem, const NormData &data,
                  const NormReference &expected, Flush where, OutputIs output);

  std::array<std::unique_ptr<GuardedBuffer>, 11> buffers_;
};

}  // namespace halogen_tests

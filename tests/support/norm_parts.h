// halogen/moments.h: a batch in parts, each worked on by calls of its own, against the whole batch's reference.
#pragma once

#include <halogen/moments.h>

#include <functional>
#include <vector>

#include "norm_gradients.h"
#include "norm_problem.h"
#include "norm_storage.h"
#include "random.h"
#include "tensor.h"

namespace halogen_tests {

/** A batch and where it is cut: part k is of the samples from cuts[k] to cuts[k + 1]. */
struct Shared {
  NormProblem problem;
  std::vector<int64_t> cuts;

  size_t parts() const { return cuts.size() - 1; }
  size_t channels() const { return static_cast<size_t>(problem.c()); }
};

/** Cuts into one to seven uneven parts, some of them empty. */
std::vector<int64_t> random_cuts(int64_t samples, Random &random);

/** A tensor of data in the whole batch's memory; its views are as the call names its dimensions. */
class SharedTensor {
 public:
  SharedTensor(const Shared &shared, const TensorForm &form, const Values &values)
      : shared_(shared), stored_(form, values) {}

  Values values() const { return stored_.values(); }
  bool gaps_intact() const { return stored_.gaps_intact(); }
  TensorView part(size_t k) { return samples(shared_.cuts[k], shared_.cuts[k + 1]); }

 private:
  TensorView samples(int64_t first, int64_t last);

  const Shared &shared_;
  StoredTensor stored_;
};

/** Moments (3, C) of each part, by a call of its own. */
std::vector<Values> moments_of_parts(halogen_context *context, const Shared &shared, SharedTensor *input);

/** Those of all parts in one call. */
Values merged(halogen_context *context, const Shared &shared, const std::vector<Values> &parts);

/** Those of all parts, put together a few at a time, in any order, until one is left: merges of merges, empty ones among them. */
Values merged_in_groups(halogen_context *context, const Shared &shared, std::vector<Values> parts, Random *random);

/** Moments against those of the whole batch. */
void check_moments(const Shared &shared, const Values &got, const Values &input);

/** How the parts are worked on. */
struct PartsRun {
  using Merge = std::function<Values(halogen_context *, const Shared &, const std::vector<Values> &)>;
  Merge merge = merged;
  // Backward:
  GradientWish wish;      /**< of those calls that have the whole batch's sums; the residual's is of the calls before */
  bool mask_once = false; /**< grad_residual, taken with part_sums, is the grad_output of the calls that have sums */
  bool each = false;      /**< also what is a part's own: its sums, and with them or alone grad_weight and grad_bias */
};

/** Runs all parts forward with the merged moments: outputs, running and saved statistics are the whole batch's. */
void check_forward_in_parts(halogen_context *context, const Shared &shared, const NormData &data,
                            const PartsRun &how = {});

/** Runs all parts backward. `problem.saved` and `running` are false: statistics are those of the moments. */
void check_backward_in_parts(halogen_context *context, const Shared &shared, const GradientData &data,
                             const PartsRun &how = {});

}  // namespace halogen_tests

#include "norm_cases.h"

namespace halogen_tests {

std::vector<NormProblem> each_scope(const std::vector<int64_t> &shape) {
  std::vector<NormProblem> all(4);
  for (NormProblem &problem : all) problem.shape = shape;
  all[1].scope = HALOGEN_NORM_SCOPE_INSTANCE;
  all[2].scope = HALOGEN_NORM_SCOPE_GROUP;
  for (int32_t groups : {1, 2, 3}) {
    if (all[2].c() % groups == 0) all[2].num_groups = groups;
  }
  all[3].given = true;
  return all;
}

void set_options(NormProblem &problem, uint64_t turn) {
  problem.weight = turn % 2 == 0;
  problem.bias = turn % 3 != 1;
  problem.float_vectors = problem.half() && turn % 4 >= 2;
  const bool may_run = !problem.given && problem.scope != HALOGEN_NORM_SCOPE_GROUP;
  problem.running = may_run ? static_cast<Running>(turn / 2 % 3) : Running::none;
  problem.saved = !problem.given && turn % 5 < 3;
  problem.residual = turn % 5 >= 2;
  problem.activation = static_cast<halogen_activation>(turn / 5 % 3);
  problem.negative_slope = problem.activation == HALOGEN_ACTIVATION_LEAKY_RELU ? 0.01 : 0;
}

}  // namespace halogen_tests

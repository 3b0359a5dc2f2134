#include "norm_cases.h"

#include <iterator>

#include "env.h"
#include "random.h"

namespace halogen_tests {

namespace {

constexpr Place places[] = {Place::first,  Place::first_slice, Place::first_samples, Place::first_rows,
                            Place::last,   Place::last_slice,  Place::last_samples,  Place::padded,
                            Place::gapped, Place::transposed};

}  // namespace

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

std::vector<int64_t> random_norm_shape(Random &random) {
  const auto extent = [&](size_t most) { return static_cast<int64_t>(1 + random.below(most)); };
  const int64_t most_elements = quick() ? 10000 : 60000;
  while (true) {
    std::vector<int64_t> shape{extent(5), extent(40)};
    for (size_t further = random.below(4); further > 0; --further) shape.push_back(extent(9));
    if (random.below(8) == 0) shape[0] = extent(600);
    if (random.below(8) == 0) shape[1] = extent(600);
    if (random.below(8) == 0 && shape.size() == 3) shape[2] = extent(9000);
    if (element_count(shape) <= most_elements) return shape;
  }
}

NormProblem random_norm_problem(Random &random) {
  const std::vector<NormProblem> all = each_scope(random_norm_shape(random));
  NormProblem problem = all[random.below(all.size())];
  problem.dtype = float_types[random.below(4)];
  set_options(problem, random.bits() % 1000);
  const auto place = [&] { return places[random.below(std::size(places))]; };
  problem.put_all(place());
  if (random.below(2)) problem.output_place = place();
  if (random.below(2)) problem.residual_place = place();
  problem.named_last = random.below(4) == 0;
  return problem;
}

}  // namespace halogen_tests

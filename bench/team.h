// team.h: the threads of copy.h as an object.
#pragma once

#include <stdexcept>

#include "copy.h"

namespace halogen_bench {

class Team {
 public:
  explicit Team(int threads) : team_(halogen_bench_team_create(threads)) {
    if (team_ == nullptr) throw std::runtime_error("no threads for the copy");
  }
  ~Team() { halogen_bench_team_destroy(team_); }
  Team(const Team &) = delete;
  Team &operator=(const Team &) = delete;
  halogen_bench_team *get() const { return team_; }

 private:
  halogen_bench_team *team_;
};

}  // namespace halogen_bench

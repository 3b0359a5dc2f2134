#include "kernel.h"

#include <algorithm>
#include <iterator>

namespace halogen {
namespace {

using namespace Halide::Internal;

class DropArgumentChecks : public IRMutator {
 protected:
  using IRMutator::visit;

  Stmt visit(const AssertStmt *check) override {
    static const char *const kChecks[] = {
        "halide_error_access_out_of_bounds",
        "halide_error_bad_dimensions",
        "halide_error_bad_type",
        "halide_error_buffer_allocation_too_large",
        "halide_error_buffer_argument_is_null",
        "halide_error_buffer_extents_negative",
        "halide_error_buffer_extents_too_large",
        "halide_error_constraint_violated",
        "halide_error_constraints_make_required_region_smaller",
        "halide_error_explicit_bounds_too_small",
        "halide_error_host_is_null",
    };
    const auto *error = check->message.as<Call>();
    const bool of_argument = error != nullptr && std::any_of(std::begin(kChecks), std::end(kChecks),
                                                             [&](const char *name) { return error->name == name; });
    return of_argument ? Evaluate::make(0) : IRMutator::visit(check);
  }
};

class HasLoop : public IRVisitor {
 public:
  bool found = false;

 protected:
  using IRVisitor::visit;

  void visit(const For *) override { found = true; }
};

bool has_loop(const Stmt &s) {
  HasLoop loops;
  s.accept(&loops);
  return loops.found;
}

class BranchOn : public IRMutator {
 public:
  explicit BranchOn(const std::string &flag) : flag_(flag) {}

  using IRMutator::mutate;

  Stmt mutate(const Stmt &s) override {
    if (!s.defined() || !stmt_uses_var(s, flag_)) return s;
    const auto *loop = s.as<For>();
    if (has_loop(loop != nullptr ? loop->body : s)) return IRMutator::mutate(s);
    const auto with = [&](const Halide::Expr &value) { return simplify(substitute(flag_, value, s)); };
    return IfThenElse::make(Variable::make(Halide::Bool(), flag_), with(const_true()), with(const_false()));
  }

 private:
  std::string flag_;
};

}  // namespace

std::unique_ptr<IRMutator> drop_argument_checks() { return std::make_unique<DropArgumentChecks>(); }

std::unique_ptr<IRMutator> branch_on(const std::string &flag) { return std::make_unique<BranchOn>(flag); }

}  // namespace halogen

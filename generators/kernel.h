// What every generator derives from: the parameter `checked`, and what is done to a kernel after Halide has lowered it.
//
// Halide begins a kernel with checks of every buffer argument's type, bounds and strides. Here they are most of a small kernel's code,
// for calls that only the library itself makes: they stay where `checked` asks for them, which is in builds that are tested. What can
// fail at run time (memory, a device, a task) is checked always.
//
// branch_on(flag): an innermost loop, or what is in none, that depends on the flag becomes one for each value of it. (Halide's specialize() would
// repeat all that is computed in the loops around, too; a select alone computes both sides of a vector.)
#ifndef HALOGEN_GENERATORS_KERNEL_H
#define HALOGEN_GENERATORS_KERNEL_H

#include <memory>

#include "Halide.h"
#include "words.h"

namespace halogen {

std::unique_ptr<Halide::Internal::IRMutator> drop_argument_checks();
std::unique_ptr<Halide::Internal::IRMutator> branch_on(const std::string &flag);

template <class T>
class Kernel : public Halide::Generator<T> {
 public:
  Halide::GeneratorParam<bool> checked{"checked", false};

 protected:
  /// `flag` is an Input<bool>.
  void branch_on(const Halide::Expr &flag) { flags_.push_back(flag.as<Halide::Internal::Variable>()->name); }

  Halide::Pipeline build_pipeline() override {
    Halide::Pipeline pipeline = Halide::Generator<T>::build_pipeline();
    for (const std::string &flag : flags_) pipeline.add_custom_lowering_pass(halogen::branch_on(flag).release());
    const Halide::Target &target = this->get_target();
    if (target.arch == Halide::Target::X86 && !target.has_gpu_feature()) {
      pipeline.add_custom_lowering_pass(by_words(target.natural_vector_size<uint16_t>()).release());
    }
    if (!checked) pipeline.add_custom_lowering_pass(drop_argument_checks().release());
    return pipeline;
  }

 private:
  std::vector<std::string> flags_;
};

}  // namespace halogen
#endif

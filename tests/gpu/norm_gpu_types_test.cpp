// Every dtype, epilogue and gradient on a GPU, data in slices among them.
#include <doctest/doctest.h>

#include <vector>

#include "device.h"
#include "support/norm_cases.h"
#include "support/norm_gradients.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

/** Device memory by slot, reused, as it is dear. */
class DevicePlacement : public Placement {
 public:
  void *put(size_t slot, const void *bytes, size_t size) override {
    if (slot >= slots_.size()) slots_.resize(slot + 1);
    Slot &to = slots_[slot];
    if (size > to.capacity || to.memory == nullptr) {
      to.capacity = 2 * size + 64;
      to.memory = the_device().allocate(to.capacity);
    }
    if (size > 0) the_device().upload(to.memory, bytes, size);
    return to.memory;
  }
  void get(size_t slot, void *bytes, size_t size) override {
    if (size > 0) the_device().download(bytes, slots_[slot].memory, size);
  }
  DLDevice device() const override { return the_device().device(); }

 private:
  struct Slot {
    void *memory = nullptr;
    size_t capacity = 0;
  };
  std::vector<Slot> slots_;
};

DevicePlacement &placement() {
  static DevicePlacement all;
  return all;
}

halogen_context *context() {
  static const Context made([] {
    halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
    options.gpu_context = the_device().context();
    options.gpu_stream = the_device().stream();
    return options;
  }());
  return made.get();
}

void check_forward(const NormProblem &problem, uint64_t stream) {
  const NormData data = ordinary_data(problem, stream);
  NormStorage storage(problem, data);
  const std::vector<StoredTensor *> tensors = storage.all();
  void *at[11];
  REQUIRE(tensors.size() == 11);
  for (size_t i = 0; i < 11; ++i) at[i] = placement().put(i, tensors[i]->data(), tensors[i]->size());
  // In the order of NormStorage::all().
  const NormMemory memory{at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7], at[8], at[9], at[10]};
  NormCall call(problem, memory, HALOGEN_NORM_PATH_AUTO, the_device().device());
  NormResult result;
  result.status = call.run(context());
  result.message = call.error.message;
  result.ran = call.ran;
  for (size_t i = 0; i < 11; ++i) {
    placement().get(i, tensors[i]->data(), tensors[i]->size());
    result.gaps_intact = result.gaps_intact && tensors[i]->gaps_intact();
  }
  static_cast<NormOutputs &>(result) = read_outputs(problem, storage.memory());
  const std::string wrong =
      verify(problem, reference(problem, data), result, HALOGEN_NORM_PATH_AUTO, the_device().variant());
  CHECK_MESSAGE(wrong.empty(), wrong);
}

void check_backward(const NormProblem &problem, uint64_t stream) {
  const GradientData data(problem, stream);
  const GradientWish wish{true, stream % 2 == 0, true, true};
  const GradientResult result = run_gradients(context(), problem, data, wish, HALOGEN_NORM_PATH_AUTO, &placement());
  const std::string wrong =
      verify_gradients(problem, reference_gradients(problem, data), result, wish, the_device().variant());
  CHECK_MESSAGE(wrong.empty(), wrong);
}

}  // namespace

TEST_CASE("gpu: every dtype forward and backward agrees with the reference") {
  for (const DLDataType dtype : float_types) {
    uint64_t turn = 0;
    for (const std::vector<int64_t> &shape :
         std::vector<std::vector<int64_t>>{{3, 6, 7}, {2, 3, 33}, {2, 6, 300}, {1, 2, 5000}, {600, 3, 2}}) {
      for (NormProblem problem : each_scope(shape)) {
        problem.dtype = dtype;
        set_options(problem, turn);
        problem.put_all(turn % 3 == 0 ? Place::first_slice : Place::first);
        check_forward(problem, turn);
        check_backward(problem, turn);
        turn += 7;
      }
    }
  }
}

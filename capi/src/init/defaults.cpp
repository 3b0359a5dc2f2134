#include "initializer.h"
#include "normal.h"

namespace halogen {

halogen_initializer initializer_of(halogen_initializer_kind kind) {
  halogen_initializer made = HALOGEN_INITIALIZER_INIT;
  made.kind = kind;
  made.low = -0.07;
  made.high = 0.07;
  made.sigma = 0.01;
  made.a = -2;
  made.b = 2;
  made.gain = 1;
  return made;
}

halogen_initializer uniform_initializer(double bound) {
  halogen_initializer made = initializer_of(HALOGEN_INITIALIZER_UNIFORM);
  made.low = -bound;
  made.high = bound;
  return made;
}

halogen_initializer normal_initializer(double sigma) {
  halogen_initializer made = initializer_of(HALOGEN_INITIALIZER_NORMAL);
  made.sigma = sigma;
  return made;
}

ConvInitializers conv_transpose_initializers(ConvDefaults defaults, int64_t out_channels, int64_t groups,
                                             int64_t positions) {
  const halogen_initializer zero = initializer_of(HALOGEN_INITIALIZER_ZERO);
  const auto channels = static_cast<double>(out_channels), taps = static_cast<double>(positions);
  switch (defaults) {
    case ConvDefaults::by_fan: {
      // kaiming_uniform_(a = sqrt(5)): gain sqrt(2 / (1 + 5)), bound gain * sqrt(3 / fan). The fan is counted on the output's side.
      const halogen_initializer both =
          uniform_initializer(1 / square_root(channels / static_cast<double>(groups) * taps));
      return {both, both};
    }
    case ConvDefaults::mindspore_2_0:
      return {normal_initializer(0.01), zero};
    case ConvDefaults::megengine:
      return {normal_initializer(square_root(1 / (channels * taps))), zero};
  }
  return {zero, zero};
}

}  // namespace halogen

// What the kernels of normalisation agree on with those who call them. Read by generators/schedules/, too.
#pragma once

namespace halogen {

/// Sets whose sums a kernel keeps side by side, at most: their memory has a fixed size and needs no heap.
constexpr int kSetsAtOnce = 32;

}  // namespace halogen

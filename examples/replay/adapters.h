// adapters.h: the modules that replay knows, by the name a case gives them. A new one is a row in its framework's table.
#pragma once

#include <string>

#include "megengine_adapters.h"
#include "mindspore_adapters.h"
#include "oneflow_adapters.h"
#include "torch_adapters.h"

namespace replay {

/// The adapter for `module`, or nullptr.
inline const Adapter *find_adapter(const std::string &module) {
  for (const auto *adapters : {&torch_adapters(), &mindspore_adapters(), &megengine_adapters(), &oneflow_adapters()}) {
    for (const Adapter &adapter : *adapters) {
      if (module == adapter.module) return &adapter;
    }
  }
  return nullptr;
}

}  // namespace replay

// What MegEngine says of most that it cannot do.
#pragma once

namespace halogen {

constexpr const char *kMegengineAsyncError =
    "An async error is reported. See above for the actual cause. Hint: This is where it is reported, not where it "
    "happened. You may call `megengine.config.async_level = 0 to get better error reporting.";

}  // namespace halogen

// Names a running process so that others can tell whether it still runs.
#pragma once

#include <string>

namespace xcs::store {

// This process and `session` within it. A process that gets the same number later has another name.
std::string owner_name(unsigned session);

// Whether the process that an owner_name() names still runs on this machine.
bool is_running(const std::string& owner);

}  // namespace xcs::store

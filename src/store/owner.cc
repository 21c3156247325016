#include "store/owner.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace xcs::store {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// When the process began, in ticks since the machine did; empty when there is none.
std::string start_of(const std::string& process) {
  const std::string line = first_line("/proc/" + process + "/stat");
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  constexpr int kStartTime = 20;  // after the name
  for (int i = 0; i < kStartTime; ++i) fields >> field;
  return field;
}

std::string boot() { return first_line("/proc/sys/kernel/random/boot_id"); }

}  // namespace

std::string owner_name(unsigned session) {
  const std::string process = std::to_string(getpid());
  return fmt::format("{} {} {} {}", process, start_of(process), boot(), session);
}

bool is_running(const std::string& owner) {
  std::istringstream fields(owner);
  std::string process;
  std::string start;
  std::string booted;
  fields >> process >> start >> booted;
  return !process.empty() && booted == boot() && start == start_of(process);
}

}  // namespace xcs::store

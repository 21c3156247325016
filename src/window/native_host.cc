#include "window/native_host.h"

#include <stdexcept>

namespace xcs::window {

namespace {

[[noreturn]] void refuse(const char* question) {
  throw std::logic_error(std::string("a native host was asked for ") + question);
}

}  // namespace

Action NativeHost::next(const ir::Program&, const ir::Node&, const Value&, View&) { refuse("next"); }
Flags NativeHost::known(const Value&) { refuse("known"); }
std::optional<std::vector<Value>> NativeHost::peek_items(const Value&, std::size_t, View&) {
  refuse("peek_items");
}
bool NativeHost::steps_freely(const Value&) { refuse("steps_freely"); }
std::optional<Enter> NativeHost::take_generator(const Value&, std::uint32_t) { refuse("take_generator"); }
Value NativeHost::leaves_generator(const Value&) { refuse("leaves_generator"); }
bool NativeHost::is_true(const Value&) { refuse("is_true"); }
Value NativeHost::unbound_error(const ir::Program&, ir::SlotId, const ir::Node&) { refuse("unbound_error"); }
Value NativeHost::depth_error(std::uint32_t) { refuse("depth_error"); }
void NativeHost::unwound(const ir::Program&, const ir::Node&, const Value&) { refuse("unwound"); }
Value NativeHost::none() { refuse("none"); }
bool NativeHost::same_key(Object*, Object*) { refuse("same_key"); }
bool NativeHost::runs_whole(const ir::Program&, ir::Index, std::uint32_t) { refuse("runs_whole"); }

}  // namespace xcs::window

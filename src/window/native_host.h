// What a host is asked for by a machine all of whose frames are native: to attempt operations, and little
// else.
#pragma once

#include "window/host.h"

namespace xcs::window {

class NativeHost : public Host {
 public:
  // Whether some code may still handle `failure`; once it may not, it never may again.
  virtual bool may_be_handled(const Value& failure) = 0;
  // What a run fails with whose frames wait for each other.
  virtual Value deadlock() = 0;

  // Questions about the nodes and values of lowered programs: asking one of them is an error of this library.
  Action next(const ir::Program&, const ir::Node&, const Value&, View&) final;
  Flags known(const Value&) final;
  std::optional<std::vector<Value>> peek_items(const Value&, std::size_t, View&) final;
  bool steps_freely(const Value&) final;
  std::optional<Enter> take_generator(const Value&, std::uint32_t) final;
  Value leaves_generator(const Value&) final;
  bool is_true(const Value&) final;
  Value unbound_error(const ir::Program&, ir::SlotId, const ir::Node&) final;
  Value depth_error(std::uint32_t) final;
  void unwound(const ir::Program&, const ir::Node&, const Value&) final;
  Value none() final;
  bool same_key(Object*, Object*) final;
  bool runs_whole(const ir::Program&, ir::Index, std::uint32_t) final;

  // Native code knows by itself which exception it handles.
  void set_handled(const Value&) final {}
};

}  // namespace xcs::window

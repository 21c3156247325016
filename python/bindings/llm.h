// Calls of xcs.llm: they run on the process's reactor, without a thread of their own.
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "host_call.h"
#include "llm/client.h"
#include "objects.h"
#include "window/host.h"

namespace xcs::python {

using Keywords = std::span<const std::pair<nb::object, Value>>;

// A call of xcs.llm made ready to send.
class ModelCall final : public HostCall {
 public:
  // Whether the arguments are those of xcs.llm. When they are not, CPython says so if the function is called.
  static bool fits(std::span<const Value> positional, Keywords keywords);

  // What is known of the answer to a call with these arguments.
  static window::Flags flags(Keywords keywords);

  // Null, with an error set, when an argument is of no use. `handled` is the exception being handled, if any.
  // REQUIRES: fits(); all values are ready
  static std::unique_ptr<ModelCall> make(std::span<const Value> positional, Keywords keywords,
                                         const Value& handled);

  // Sends it, once. `done` is as Client::start says.
  [[nodiscard]] net::Handle send(llm::OnAnswer done);

  // The text, or the whole answer if that was asked for; else the exception, and true.
  std::pair<nb::object, bool> receive(const Result<llm::ChatAnswer>& answer) const;

 private:
  ModelCall() = default;
  friend nb::object call_model(const nb::args& positional, const nb::kwargs& keywords);

  llm::ChatRequest request_;
  bool full_ = false;
  nb::object handled_;
};

// The process's reactor.
net::Transport& transport();

// Ends the process's reactor; called when the interpreter exits.
void stop_models();

void bind_llm(nb::module_& m);

}  // namespace xcs::python

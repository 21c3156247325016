// Calls of xcs.llm: they run on the process's reactor, without a thread of their own.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "contract.h"
#include "host_call.h"
#include "ledger.h"
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

  // Whether the answer is asked for piece by piece: such a call is an object that is read in order.
  static bool streams(Keywords keywords);

  // What is known of the answer to a call with these arguments.
  static window::Flags flags(Contract::Run run, Keywords keywords);

  // Null, with an error set, when an argument is of no use. `handled` is the exception being handled, if any.
  // REQUIRES: fits(); all values are ready
  static std::unique_ptr<ModelCall> make(Contract::Run run, std::span<const Value> positional,
                                         Keywords keywords, const Value& handled, const Place& place);

  // Sends it, once, as part of a run. `done` is as Client::start says.
  [[nodiscard]] net::Handle send(Ledger& ledger, llm::OnAnswer done);

  // Whether it can be asked for together with others like it; whether this other one is like it.
  bool can_merge() const { return request_.provider == llm::Provider::kEmbeddings; }
  bool merges_with(const ModelCall& other) const;
  std::size_t input_bytes() const { return request_.messages.front().content.size(); }
  // Sends these calls as one, whose answer holds a vector for each.
  [[nodiscard]] static net::Handle send_merged(Ledger& ledger, const std::vector<const ModelCall*>& calls,
                                               llm::OnAnswer done);

  // The text, or the whole answer, the result or the vector if that was asked for; else the exception, and
  // true.
  std::pair<nb::object, bool> receive(const Result<llm::ChatAnswer>& answer) const;

 private:
  ModelCall() = default;
  nb::object to_result(const llm::ChatAnswer& answer) const;

  friend nb::object call_now(Contract::Run run, const nb::args& positional, const nb::kwargs& keywords);
  friend class ModelStream;

  llm::ChatRequest request_;
  bool full_ = false;
  nb::object result_;  // the class of the result, or null
  Place place_;
  nb::object handled_;
};

// The process's reactor, and the client that sends over it.
net::Transport& transport();
llm::Client& model_client();

// The exception that stands for an error of a call.
nb::object to_exception(const Error& error);

// Waits until the reactor's thread has destroyed the requests that were abandoned, which meters count then.
void catch_up_with_models();

// Ends the process's reactor; called when the interpreter exits.
void stop_models();

void bind_llm(nb::module_& m);

}  // namespace xcs::python

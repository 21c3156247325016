#include "llm.h"

#include <unistd.h>

#include <chrono>
#include <random>
#include <tuple>
#include <utility>
#include <variant>

#include "exec/completion_queue.h"
#include "gil.h"
#include "kept_stream.h"
#include "model_request.h"
#include "net/reactor.h"

namespace xcs::python {
namespace {

// How soon a signal's handler runs while a call waits.
constexpr std::chrono::milliseconds kSignalPeriod{20};

struct Models {
  net::Reactor reactor;
  llm::Client client{reactor, std::random_device{}()};
};

// The reactor of this process and its client. A process made by fork has no thread of its parent's reactor
// and begins with a new one; the parent's, whose locks may be held by that thread, is left alone.
Models*& models_slot() {
  static Models* models = nullptr;
  static pid_t owner = 0;
  if (owner != getpid()) {
    owner = getpid();
    models = nullptr;
  }
  return models;
}

Models& models() {
  Models*& slot = models_slot();
  if (slot == nullptr) slot = new Models;
  return *slot;
}

nb::object to_tool_calls(const llm::ChatAnswer& answer) {
  nb::list calls;
  for (const llm::ToolCall& call : answer.tool_calls)
    calls.append(nb::make_tuple(call.id, call.name, call.arguments));
  return calls;
}

nb::object to_answer_object(const llm::ChatAnswer& answer) {
  static auto* make = imported("xcs._llm", "answer_of").release().ptr();
  const llm::Usage& u = answer.usage;
  return nb::handle(make)(
      answer.text, answer.model, answer.finish_reason,
      nb::make_tuple(u.input_tokens, u.output_tokens, u.cached_input_tokens, u.reasoning_tokens),
      answer.request_id, answer.raw, to_tool_calls(answer), answer.attempts);
}

nb::object to_vector(const llm::ChatAnswer& answer) {
  nb::object list = checked(PyList_New(static_cast<Py_ssize_t>(answer.vectors.front().size())));
  Py_ssize_t i = 0;
  for (const double x : answer.vectors.front())
    PyList_SET_ITEM(list.ptr(), i++, checked(PyFloat_FromDouble(x)).release().ptr());
  return list;
}

}  // namespace

net::Transport& transport() { return models().reactor; }

llm::Client& model_client() { return models().client; }

void catch_up_with_models() {
  if (models_slot() == nullptr) return;
  const WithoutGil waiting;
  models_slot()->reactor.catch_up();
}

nb::object to_exception(const Error& error) {
  static auto* make = imported("xcs._errors", "llm_error").release().ptr();
  return nb::handle(make)(name(error.kind), error.code, error.message,
                          error.http_status ? nb::object(nb::int_(*error.http_status)) : nb::none(),
                          error.provider_reason, error.request_id);
}

bool ModelCall::fits(std::span<const Value> positional, Keywords keywords) {
  bool model = false;
  for (const auto& [name, value] : keywords) {
    if (is_named(name.ptr(), "prompt_or_messages") || is_named(name.ptr(), "text")) return false;
    model = model || is_named(name.ptr(), "model");
  }
  return model && positional.size() == 1;
}

bool ModelCall::streams(Keywords keywords) {
  for (const auto& [name, value] : keywords)
    if (is_named(name.ptr(), "stream")) return !(value.ready() && object_of(value) == Py_False);
  return false;
}

window::Flags ModelCall::flags(Contract::Run run, Keywords keywords) {
  if (run == Contract::kEmbed) return window::kData | window::kFresh;
  bool full = false;
  for (const auto& [name, value] : keywords) {
    // The result may be an object of a class of the user's.
    if (is_named(name.ptr(), "response_format")) return window::kFresh;
    full = full || (is_named(name.ptr(), "full") && !(value.ready() && object_of(value) == Py_False));
  }
  return full ? window::kData | window::kFresh : window::kData | window::kAtom;
}

std::unique_ptr<ModelCall> ModelCall::make(Contract::Run run, std::span<const Value> positional,
                                           Keywords keywords, const Value& handled, const Place& place) {
  std::unique_ptr<ModelCall> call(new ModelCall);
  call->place_ = place;
  if (handled.ready()) call->handled_ = nb::borrow(object_of(handled));
  try {
    RequestReader reader(call->request_);
    if (run == Contract::kEmbed)
      reader.input(object_of(positional[0]));
    else
      reader.prompt(object_of(positional[0]));
    for (const auto& [name, value] : keywords) reader.add(name, object_of(value));
    call->full_ = reader.finish();
    call->result_ = reader.result();
  } catch (nb::python_error& error) {
    error.restore();
    return nullptr;
  }
  return call;
}

net::Handle ModelCall::send(Ledger& ledger, llm::OnAnswer done) {
  ledger.enter(request_, place_);
  return model_client().start(std::exchange(request_, {}), std::move(done));
}

bool ModelCall::merges_with(const ModelCall& other) const {
  const llm::ChatRequest& a = request_;
  const llm::ChatRequest& b = other.request_;
  return a.model == b.model && a.base_url == b.base_url && a.api_key == b.api_key &&
         a.extra_json == b.extra_json && a.max_retries == b.max_retries &&
         a.timeouts.total == b.timeouts.total;
}

net::Handle ModelCall::send_merged(Ledger& ledger, const std::vector<const ModelCall*>& calls,
                                   llm::OnAnswer done) {
  llm::ChatRequest request = calls.front()->request_;
  ledger.enter(request, calls.front()->place_);
  for (std::size_t i = 1; i < calls.size(); ++i)
    request.messages.push_back(calls[i]->request_.messages.front());
  if (calls.size() > 1) request.meter->add({.calls = calls.size() - 1});
  return model_client().start(std::move(request), std::move(done));
}

nb::object ModelCall::to_result(const llm::ChatAnswer& answer) const {
  if (!answer.vectors.empty()) return to_vector(answer);
  if (full_) {
    nb::object whole = to_answer_object(answer);
    return result_ ? imported("xcs._messages", "with_result")(whole, result_) : whole;
  }
  if (result_) return imported("xcs._messages", "to_result")(answer.text, result_);
  return nb::cast(answer.text);
}

std::pair<nb::object, bool> ModelCall::receive(const Result<llm::ChatAnswer>& answer) const {
  try {
    if (answer) return {to_result(*answer), false};
    nb::object error = to_exception(answer.error());
    // Raised on the calling thread, it would have had the exception being handled there as its context.
    if (handled_) PyException_SetContext(error.ptr(), nb::object(handled_).release().ptr());
    return {std::move(error), true};
  } catch (nb::python_error& error) {
    error.restore();
    return {take_error(), true};
  }
}

namespace {

// Raises what a call ended with; unlike set_error, this gives it the exception being handled as its context.
[[noreturn]] void raise(const nb::object& error) {
  PyErr_SetObject(error.type().ptr(), error.ptr());
  nb::raise_python_error();
}

}  // namespace

// Sends the request and waits for the answer without the GIL. A signal's handler that raises ends the wait
// and the transfer.
nb::object call_now(Contract::Run run, const nb::args& positional, const nb::kwargs& keywords) {
  ModelCall call;
  RequestReader reader(call.request_);
  if (run == Contract::kEmbed)
    reader.input(positional[0]);
  else
    reader.prompt(positional[0]);
  for (auto [name, value] : keywords) reader.add(name, value);
  call.full_ = reader.finish();
  call.result_ = reader.result();
  Spender::here().enter(call.request_);
  exec::CompletionQueue<Result<llm::ChatAnswer>> queue;
  const net::Handle handle = model_client().start(
      std::move(call.request_), [&queue](Result<llm::ChatAnswer> answer) { queue.push(std::move(answer)); });
  while (true) {
    std::vector<Result<llm::ChatAnswer>> answers;
    {
      const WithoutGil waiting;
      answers = queue.wait_for(kSignalPeriod);
    }
    if (!answers.empty()) {
      auto [object, raised] = call.receive(answers.front());
      if (!raised) return object;
      raise(object);
    }
    if (PyErr_CheckSignals() != 0) nb::raise_python_error();
  }
}

// The text of an answer, piece by piece as it comes.
class ModelStream {
 public:
  ModelStream(const nb::args& positional, const nb::kwargs& keywords) {
    RequestReader reader(call_.request_);
    reader.prompt(positional[0]);
    for (auto [name, value] : keywords) reader.add(name, value);
    reader.finish();
    call_.full_ = true;
    if (recall(positional, keywords)) return;
    Spender::here().enter(call_.request_);
    handle_ = model_client().start_stream(
        std::move(call_.request_), [this](std::string_view text) { queue_.push(std::string(text)); },
        [this](Result<llm::ChatAnswer> answer) { queue_.push(std::move(answer)); });
  }

  // The next piece; raises StopIteration at the end and what the call ended with when it failed.
  nb::object next() {
    while (next_ == pieces_.size()) {
      if (recalled_) std::tie(answer_, finished_) = std::pair(std::exchange(recalled_, nb::object()), true);
      if (finished_) throw nb::stop_iteration();
      fetch();
    }
    if (auto* text = std::get_if<std::string>(&pieces_[next_])) {
      ++next_;
      nb::object piece = nb::cast(*text);
      if (kept_.keeps()) heard_.append(piece);
      return piece;
    }
    finished_ = true;
    auto [object, raised] = call_.receive(std::get<Result<llm::ChatAnswer>>(pieces_[next_++]));
    if (raised) raise(object);
    answer_ = std::move(object);
    if (kept_.keeps()) kept_.keep(nb::make_tuple(heard_, answer_));
    throw nb::stop_iteration();
  }

  // The whole answer, once it has come.
  nb::object answer() const { return answer_ ? answer_ : nb::none(); }

  // Ends it, wherever it is.
  void close() {
    const net::Handle ended = std::exchange(handle_, nullptr);
    finished_ = true;
    const WithoutGil waiting;
  }

 private:
  using Piece = std::variant<std::string, Result<llm::ChatAnswer>>;

  // Whether the answer is known from an earlier making of the run.
  bool recall(const nb::args& positional, const nb::kwargs& keywords) {
    if (!KeptStream::wanted()) return false;
    Digest digest;
    bool known = digest.add(positional[0]);
    for (auto [name, value] : keywords)
      if (says_what(name.ptr())) known = known && digest.add(name) && digest.add(value);
    add_addresses(digest);
    if (!known) return false;
    kept_ = KeptStream::here(digest.finish());
    const nb::object whole = kept_.recall();
    if (!whole) return false;
    for (nb::handle piece : nb::borrow<nb::list>(nb::object(whole[0])))
      pieces_.emplace_back(nb::cast<std::string>(piece));
    recalled_ = whole[1];
    kept_ = {};
    return true;
  }

  void fetch() {
    {
      const WithoutGil waiting;
      pieces_ = queue_.wait_for(kSignalPeriod);
    }
    next_ = 0;
    if (PyErr_CheckSignals() != 0) nb::raise_python_error();
  }

  ModelCall call_;
  exec::CompletionQueue<Piece> queue_;
  std::vector<Piece> pieces_;
  std::size_t next_ = 0;
  bool finished_ = false;
  nb::object answer_;
  KeptStream kept_;
  nb::list heard_;       // the pieces so far, where they are kept
  nb::object recalled_;  // the answer that comes after the pieces; null: it is to be fetched
  net::Handle handle_;   // the last, so that nothing is pushed to what is gone
};

void stop_models() {
  stop_waiters();
  Models* stopped = std::exchange(models_slot(), nullptr);
  const WithoutGil waiting;
  delete stopped;
}

void bind_llm(nb::module_& m) {
  m.def(
      "call_model", [](const nb::args& a, const nb::kwargs& k) { return call_now(Contract::kNative, a, k); },
      "Calls a model and waits for the answer; see xcs.llm.");
  m.def(
      "embed_text", [](const nb::args& a, const nb::kwargs& k) { return call_now(Contract::kEmbed, a, k); },
      "Asks for a vector and waits for it; see xcs.embed.");
  nb::class_<ModelStream>(m, "ModelStream", "The text of an answer, piece by piece; see xcs.llm.")
      .def("__init__",
           [](ModelStream* self, const nb::args& a, const nb::kwargs& k) { new (self) ModelStream(a, k); })
      .def("__iter__", [](nb::object self) { return self; })
      .def("__next__", &ModelStream::next)
      .def("close", &ModelStream::close)
      .def_prop_ro("answer", &ModelStream::answer);
}

}  // namespace xcs::python

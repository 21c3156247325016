#include "llm.h"

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <random>

#include "exec/completion_queue.h"
#include "gil.h"
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

llm::Client& client() { return models().client; }

[[noreturn]] void refuse(const char* name, const char* wanted, nb::handle got) {
  static auto* usage_error = imported("xcs._errors", "UsageError").release().ptr();
  PyErr_Format(usage_error, "%s must be %s, not %R", name, wanted, got.ptr());
  nb::raise_python_error();
}

bool equals(PyObject* text, const char* ascii) { return PyUnicode_CompareWithASCIIString(text, ascii) == 0; }

std::string to_text(const char* name, nb::handle value) {
  if (!PyUnicode_Check(value.ptr())) refuse(name, "a string", value);
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
  if (text == nullptr) nb::raise_python_error();
  return {text, static_cast<std::size_t>(size)};
}

int to_count(const char* name, nb::handle value, long least) {
  int overflow = 0;
  const bool whole = PyLong_Check(value.ptr()) && !PyBool_Check(value.ptr());
  const long number = whole ? PyLong_AsLongAndOverflow(value.ptr(), &overflow) : -1;
  if (!whole || overflow != 0 || number < least || number > std::numeric_limits<int>::max())
    refuse(name, least == 0 ? "a whole number from 0 on" : "a whole number from 1 on", value);
  return static_cast<int>(number);
}

double to_number(const char* name, nb::handle value) {
  const double number = PyFloat_AsDouble(value.ptr());
  if (number == -1 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    refuse(name, "a number", value);
  }
  return number;
}

std::string to_json(const char* what, nb::handle value) {
  static auto* dumps = imported("json", "dumps").release().ptr();
  try {
    return to_text(what, nb::handle(dumps)(value));
  } catch (const nb::python_error& error) {
    if (!error.matches(PyExc_TypeError) && !error.matches(PyExc_ValueError)) throw;
  }
  refuse(what, "data that JSON can hold", value);
}

llm::Message to_message(nb::handle item) {
  constexpr const char* kWanted = "dicts with \"role\" and \"content\"";
  if (!PyDict_Check(item.ptr())) refuse("messages", kWanted, item);
  PyObject* role = PyDict_GetItemString(item.ptr(), "role");
  PyObject* content = PyDict_GetItemString(item.ptr(), "content");
  if (role == nullptr || content == nullptr) refuse("messages", kWanted, item);
  llm::Message message{.role = to_text("the role of a message", role)};
  if (PyUnicode_Check(content) != 0)
    message.content = to_text("content", content);
  else
    message.content_json = to_json("content", content);
  return message;
}

std::vector<llm::Message> to_messages(nb::handle value) {
  if (PyUnicode_Check(value.ptr())) return {{.role = "user", .content = to_text("the prompt", value)}};
  if (!PyList_Check(value.ptr()) && !PyTuple_Check(value.ptr()))
    refuse("the prompt", "a string or a list of messages", value);
  std::vector<llm::Message> messages;
  for (nb::handle item : nb::borrow<nb::sequence>(value)) messages.push_back(to_message(item));
  return messages;
}

// One attempt may take this long; the parts of it that take most of the time may take as long as the whole.
net::Timeouts to_timeouts(nb::handle value) {
  constexpr double kLongest = 1e8;
  const double seconds = to_number("timeout", value);
  if (!(seconds > 0 && seconds <= kLongest)) refuse("timeout", "a positive number of seconds", value);
  const auto limit = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  net::Timeouts timeouts;
  timeouts.connect = std::min(timeouts.connect, limit);
  timeouts.first_byte = timeouts.idle = timeouts.total = limit;
  return timeouts;
}

llm::Provider to_provider(nb::handle value) {
  const std::string name = to_text("provider", value);
  if (name == "openai") return llm::Provider::kOpenAi;
  if (name != "anthropic") refuse("provider", "\"openai\" or \"anthropic\"", value);
  return llm::Provider::kAnthropic;
}

// Puts arguments of xcs.llm into a request.
class RequestReader {
 public:
  explicit RequestReader(llm::ChatRequest& request) : request_(request) {}

  void prompt(nb::handle value) { request_.messages = to_messages(value); }

  void add(nb::handle name, nb::handle value) {
    PyObject* n = name.ptr();
    if (equals(n, "full")) {
      full_ = is_true(value);
    } else if (!value.is_none() && !add_field(n, value)) {
      if (!extra_) extra_ = nb::dict();
      extra_[name] = value;
    }
  }

  // Returns whether the whole answer is asked for.
  bool finish() {
    if (extra_) request_.extra_json = to_json("further fields", extra_);
    return full_;
  }

 private:
  static bool is_true(nb::handle value) {
    const int result = PyObject_IsTrue(value.ptr());
    if (result < 0) nb::raise_python_error();
    return result != 0;
  }

  // Whether there is an argument by this name.
  bool add_field(PyObject* n, nb::handle value) {
    if (equals(n, "model"))
      request_.model = to_text("model", value);
    else if (equals(n, "base_url"))
      request_.base_url = to_text("base_url", value);
    else if (equals(n, "api_key"))
      request_.api_key = to_key(value);
    else if (equals(n, "system"))
      request_.system = to_text("system", value);
    else if (equals(n, "max_tokens"))
      request_.max_tokens = to_count("max_tokens", value, 1);
    else if (equals(n, "temperature"))
      request_.temperature = to_number("temperature", value);
    else if (equals(n, "timeout"))
      request_.timeouts = to_timeouts(value);
    else if (equals(n, "max_retries"))
      request_.max_retries = to_count("max_retries", value, 0);
    else if (equals(n, "provider"))
      request_.provider = to_provider(value);
    else
      return false;
    return true;
  }

  // What was given is not shown: it may hold a key all the same.
  static std::string to_key(nb::handle value) {
    if (!PyUnicode_Check(value.ptr())) refuse("api_key", "a string", value.type());
    return to_text("api_key", value);
  }

  llm::ChatRequest& request_;
  nb::object extra_;  // a dict, or null
  bool full_ = false;
};

nb::object to_exception(const Error& error) {
  static auto* make = imported("xcs._errors", "llm_error").release().ptr();
  return nb::handle(make)(name(error.kind), error.code, error.message,
                          error.http_status ? nb::object(nb::int_(*error.http_status)) : nb::none(),
                          error.provider_reason, error.request_id);
}

nb::object to_answer_object(const llm::ChatAnswer& answer) {
  static auto* make = imported("xcs._llm", "answer_of").release().ptr();
  const llm::Usage& u = answer.usage;
  return nb::handle(make)(
      answer.text, answer.model, answer.finish_reason,
      nb::make_tuple(u.input_tokens, u.output_tokens, u.cached_input_tokens, u.reasoning_tokens),
      answer.request_id, answer.raw);
}

}  // namespace

bool ModelCall::fits(std::span<const Value> positional, Keywords keywords) {
  bool model = false;
  for (const auto& [name, value] : keywords) {
    if (equals(name.ptr(), "prompt_or_messages")) return false;
    model = model || equals(name.ptr(), "model");
  }
  return model && positional.size() == 1;
}

window::Flags ModelCall::flags(Keywords keywords) {
  for (const auto& [name, value] : keywords)
    if (equals(name.ptr(), "full") && !(value.ready() && object_of(value) == Py_False))
      return window::kData | window::kFresh;
  return window::kData | window::kAtom;
}

std::unique_ptr<ModelCall> ModelCall::make(std::span<const Value> positional, Keywords keywords,
                                           const Value& handled) {
  std::unique_ptr<ModelCall> call(new ModelCall);
  if (handled.ready()) call->handled_ = nb::borrow(object_of(handled));
  try {
    RequestReader reader(call->request_);
    reader.prompt(object_of(positional[0]));
    for (const auto& [name, value] : keywords) reader.add(name, object_of(value));
    call->full_ = reader.finish();
  } catch (nb::python_error& error) {
    error.restore();
    return nullptr;
  }
  return call;
}

net::Handle ModelCall::send(llm::OnAnswer done) {
  return client().start(std::exchange(request_, {}), std::move(done));
}

std::pair<nb::object, bool> ModelCall::receive(const Result<llm::ChatAnswer>& answer) const {
  try {
    if (answer) return {full_ ? to_answer_object(*answer) : nb::cast(answer->text), false};
    nb::object error = to_exception(answer.error());
    // Raised on the calling thread, it would have had the exception being handled there as its context.
    if (handled_) PyException_SetContext(error.ptr(), nb::object(handled_).release().ptr());
    return {std::move(error), true};
  } catch (nb::python_error& error) {
    error.restore();
    return {take_error(), true};
  }
}

// Sends the request and waits for the answer without the GIL. A signal's handler that raises ends the wait
// and the transfer.
nb::object call_model(const nb::args& positional, const nb::kwargs& keywords) {
  ModelCall call;
  RequestReader reader(call.request_);
  reader.prompt(positional[0]);
  for (auto [name, value] : keywords) reader.add(name, value);
  call.full_ = reader.finish();
  exec::CompletionQueue<Result<llm::ChatAnswer>> queue;
  const net::Handle handle =
      call.send([&queue](Result<llm::ChatAnswer> answer) { queue.push(std::move(answer)); });
  while (true) {
    std::vector<Result<llm::ChatAnswer>> answers;
    {
      const WithoutGil waiting;
      answers = queue.wait_for(kSignalPeriod);
    }
    if (!answers.empty()) {
      auto [object, raised] = call.receive(answers.front());
      if (!raised) return object;
      // Unlike set_error, this gives it the exception being handled as its context.
      PyErr_SetObject(object.type().ptr(), object.ptr());
      nb::raise_python_error();
    }
    if (PyErr_CheckSignals() != 0) nb::raise_python_error();
  }
}

net::Transport& transport() { return models().reactor; }

void stop_models() {
  stop_waiters();
  Models* stopped = std::exchange(models_slot(), nullptr);
  const WithoutGil waiting;
  delete stopped;
}

void bind_llm(nb::module_& m) {
  m.def("call_model", &call_model, "Calls a model and waits for the answer; see xcs.llm.");
}

}  // namespace xcs::python

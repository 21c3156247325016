#include "model_request.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/environment.h"

namespace xcs::python {
namespace {

[[noreturn]] void refuse(const char* name, const char* wanted, nb::handle got) {
  static auto* usage_error = imported("xcs._errors", "UsageError").release().ptr();
  PyErr_Format(usage_error, "%s must be %s, not %R", name, wanted, got.ptr());
  nb::raise_python_error();
}

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

// A text in the JSON form that a function of xcs._messages gives to what the user wrote.
std::string described(const char* function, nb::handle value) {
  return to_text(function, imported("xcs._messages", function)(value));
}

llm::Message to_message(nb::handle item) {
  constexpr const char* kWanted = "dicts with \"role\" and \"content\"";
  if (!PyDict_Check(item.ptr())) refuse("messages", kWanted, item);
  PyObject* role = PyDict_GetItemString(item.ptr(), "role");
  PyObject* content = PyDict_GetItemString(item.ptr(), "content");
  if (role == nullptr || (content == nullptr && PyDict_GetItemString(item.ptr(), "tool_calls") == nullptr))
    refuse("messages", kWanted, item);
  llm::Message message{.role = to_text("the role of a message", role)};
  if (content != nullptr && PyUnicode_Check(content) != 0 && PyDict_GET_SIZE(item.ptr()) == 2)
    message.content = to_text("content", content);
  else
    message.json = described("message_json", item);
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
  if (name == "responses") return llm::Provider::kResponses;
  if (name != "anthropic") refuse("provider", "\"openai\", \"responses\" or \"anthropic\"", value);
  return llm::Provider::kAnthropic;
}

bool is_true(nb::handle value) {
  const int result = PyObject_IsTrue(value.ptr());
  if (result < 0) nb::raise_python_error();
  return result != 0;
}

// What was given is not shown: it may hold a key all the same.
std::string to_key(nb::handle value) {
  if (!PyUnicode_Check(value.ptr())) refuse("api_key", "a string", value.type());
  return to_text("api_key", value);
}

}  // namespace

bool is_named(PyObject* text, const char* ascii) {
  return PyUnicode_CompareWithASCIIString(text, ascii) == 0;
}

bool says_what(PyObject* name) {
  for (const char* how : {"api_key", "timeout", "max_retries"})
    if (is_named(name, how)) return false;
  return true;
}

void add_addresses(Digest& digest) {
  for (const char* variable : {"OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"})
    if (const char* url = environment_variable(variable)) digest.add_text(url);
}

void RequestReader::prompt(nb::handle value) { request_.messages = to_messages(value); }

void RequestReader::input(nb::handle value) {
  request_.provider = llm::Provider::kEmbeddings;
  request_.messages = {{.content = to_text("the text", value)}};
}

void RequestReader::add(nb::handle name, nb::handle value) {
  PyObject* n = name.ptr();
  if (is_named(n, "full")) {
    full_ = is_true(value);
  } else if (!is_named(n, "stream") && !value.is_none() && !add_field(n, value) && !add_shape(n, value)) {
    if (!extra_) extra_ = nb::dict();
    extra_[name] = value;
  }
}

bool RequestReader::finish() {
  if (extra_) request_.extra_json = to_json("further fields", extra_);
  return full_;
}

// Whether there is an argument by this name.
bool RequestReader::add_field(PyObject* n, nb::handle value) {
  if (is_named(n, "model"))
    request_.model = to_text("model", value);
  else if (is_named(n, "base_url"))
    request_.base_url = to_text("base_url", value);
  else if (is_named(n, "api_key"))
    request_.api_key = to_key(value);
  else if (is_named(n, "api_version"))
    request_.api_version = to_text("api_version", value);
  else if (is_named(n, "system"))
    request_.system = to_text("system", value);
  else if (is_named(n, "max_tokens"))
    request_.max_tokens = to_count("max_tokens", value, 1);
  else if (is_named(n, "temperature"))
    request_.temperature = to_number("temperature", value);
  else if (is_named(n, "timeout"))
    request_.timeouts = to_timeouts(value);
  else if (is_named(n, "max_retries"))
    request_.max_retries = to_count("max_retries", value, 0);
  else if (is_named(n, "provider"))
    request_.provider = to_provider(value);
  else
    return false;
  return true;
}

// As add_field, for what the answer may be and what the model may do.
bool RequestReader::add_shape(PyObject* n, nb::handle value) {
  if (is_named(n, "tools"))
    request_.tools_json = described("tools_json", value);
  else if (is_named(n, "tool_choice") && PyUnicode_Check(value.ptr()))
    request_.tool_choice = to_text("tool_choice", value);
  else if (is_named(n, "reasoning_effort"))
    request_.reasoning_effort = to_text("reasoning_effort", value);
  else if (is_named(n, "response_format") && PyType_Check(value.ptr()))
    set_result(value);
  else
    return false;
  return true;
}

void RequestReader::set_result(nb::handle type) {
  result_ = nb::borrow(type);
  request_.schema_json = described("schema_json", type);
  request_.schema_name = to_text("the name of response_format", type.attr("__name__"));
}

}  // namespace xcs::python

#include "http.h"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#include "digest.h"
#include "exec/completion_queue.h"
#include "gil.h"
#include "kept_stream.h"
#include "llm.h"
#include "llm/client.h"
#include "llm/retry.h"
#include "llm/stream.h"

namespace xcs::python {
namespace {

// How soon a signal's handler runs while a request waits.
constexpr std::chrono::milliseconds kSignalPeriod{20};

// Whether any client has been adopted. Used with the GIL held.
bool any_adopted = false;

std::string to_bytes(nb::handle bytes) {
  return {PyBytes_AS_STRING(bytes.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr()))};
}

// From the tuple (method, url, headers, body, connect, read), as xcs._adopt makes it; the last two are
// seconds or None.
net::Request to_request(nb::handle parts) {
  net::Request request;
  request.method = nb::cast<std::string>(parts[0]);
  request.url = nb::cast<std::string>(parts[1]);
  for (nb::handle header : nb::borrow<nb::sequence>(nb::object(parts[2])))
    request.headers.add(nb::cast<std::string>(header[0]), nb::cast<std::string>(header[1]));
  request.body = to_bytes(nb::object(parts[3]));
  const auto limit = [&](int index) -> Duration {
    constexpr double kLongest = 1e8;
    const nb::object seconds = parts[index];
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(
        seconds.is_none() ? kLongest : std::min(nb::cast<double>(seconds), kLongest)));
  };
  request.timeouts = {
      .connect = limit(4), .first_byte = limit(5), .idle = limit(5), .total = std::chrono::hours(24)};
  return request;
}

nb::list to_headers(const net::Headers& all) {
  nb::list headers;
  all.for_each_line([&](std::string_view line) {
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    headers.append(
        nb::make_tuple(nb::bytes(name.data(), name.size()), nb::bytes(value.data(), value.size())));
  });
  return headers;
}

// (status, headers, body, None), or (0, (), b"", (code, message)).
nb::object to_outcome(const Result<net::Response>& response) {
  if (!response) {
    const Error& error = response.error();
    return nb::make_tuple(0, nb::tuple(), nb::bytes("", 0), nb::make_tuple(error.code, error.message));
  }
  return nb::make_tuple(response->status, to_headers(response->headers),
                        nb::bytes(response->body.data(), response->body.size()), nb::none());
}

// What a failed response or transfer is, as far as sending it again goes.
Error error_of(const Result<net::Response>& response) {
  if (!response) return response.error();
  const int status = response->status;
  const bool passes = status == 408 || status == 409 || status == 429 || status >= 500;
  return {.kind = passes ? ErrorKind::kTransient : ErrorKind::kUsage,
          .code = "http.status",
          .http_status = status};
}

// Sends a request for which no limits are kept, up to `most` times more after failures that pass.
net::Handle send_freely(net::Request request, int most, llm::OnResponse done) {
  net::Handler handler;
  handler.on_done = [done = std::move(done), retries = 0,
                     most](Result<net::Response> response) mutable -> std::optional<Duration> {
    const auto now = std::chrono::system_clock::now();
    const Error error = error_of(response);
    if (!response || response->status >= 400) {
      const double random = static_cast<double>(now.time_since_epoch().count() % 1000) / 1000;
      const std::optional<Duration> delay =
          llm::delay_before_retry({.error = error,
                                   .headers = response ? response->headers : net::Headers(),
                                   .retries_done = retries,
                                   .retries_left = most - retries,
                                   .now = now,
                                   .random = random});
      if (delay) {
        ++retries;
        return delay;
      }
    }
    done(std::move(response), Duration::zero());
    return std::nullopt;
  };
  return transport().start(std::move(request), std::move(handler));
}

// Sends a request of an SDK's, as part of a run if there is one. Those for answers of models pass the limits
// that calls of xcs.llm pass.
net::Handle send_request(net::Request request, int max_retries, const Spender& spender,
                         llm::OnResponse done) {
  std::optional<llm::ForeignRequest> foreign = llm::read_foreign(request);
  if (!foreign) return send_freely(std::move(request), max_retries, std::move(done));
  llm::ChatRequest terms{.model = foreign->model, .max_retries = max_retries};
  spender.enter(terms);
  return model_client().relay(std::move(request), *std::move(foreign), terms, std::move(done));
}

// As send_request, of a response that is taken piece by piece, and asked for once.
net::Handle send_stream(net::Request request, const Spender& spender, llm::OnStream on_stream,
                        llm::OnResponse done) {
  if (std::optional<llm::ForeignRequest> foreign = llm::read_foreign(request)) {
    llm::ChatRequest terms{.model = foreign->model, .max_retries = 0};
    spender.enter(terms);
    return model_client().relay_stream(std::move(request), *std::move(foreign), terms, std::move(on_stream),
                                       std::move(done));
  }
  net::Handler handler;
  handler.on_done = [done =
                         std::move(done)](Result<net::Response> response) mutable -> std::optional<Duration> {
    done(std::move(response), Duration::zero());
    return std::nullopt;
  };
  handler.on_head = std::move(on_stream.on_head);
  handler.on_piece = [on_piece = std::move(on_stream.on_piece)](std::string_view piece) mutable {
    on_piece(piece);
    return Result<void>();
  };
  return transport().start(std::move(request), std::move(handler));
}

// Requests of one thread or one event loop, and where their responses come in.
class HttpPort {
 public:
  explicit HttpPort(int descriptor) {
    if (descriptor >= 0) done_->notify(descriptor);
  }
  HttpPort(const HttpPort&) = delete;
  HttpPort& operator=(const HttpPort&) = delete;

  void send(std::uint64_t id, nb::handle parts) {
    handles_[id] = send_request(to_request(parts), 0, Spender::here(), to_here(id));
  }
  // The response's head and the pieces of its body are events before its end, if it is a success.
  void open(std::uint64_t id, nb::handle parts) {
    if (recall(id, parts)) return;
    llm::OnStream stream{
        .on_head = [done = done_, id](const net::Response& head) { done->push({id, Head{head}}); },
        .on_piece = [done = done_, id](std::string_view piece) { done->push({id, std::string(piece)}); }};
    handles_[id] = send_stream(to_request(parts), Spender::here(), std::move(stream), to_here(id));
  }
  // A stream that has been read to its last event is kept, whether or not its reader waits for its end.
  void cancel(std::uint64_t id) {
    keep(id);
    const auto ended = handles_.extract(id);
    const WithoutGil waiting;  // for a handler's function that runs at this moment
  }

  // What has come: a list of (id, what, value), where what is "head", "piece" or "done". The value is
  // (status, headers), bytes, or an outcome.
  nb::object poll() { return taken(done_->poll()); }
  // Waits for one. A signal's handler that raises ends the wait.
  nb::object wait() {
    while (true) {
      std::vector<Event> events;
      {
        const WithoutGil waiting;
        events = done_->wait_for(kSignalPeriod);
      }
      if (PyErr_CheckSignals() != 0) nb::raise_python_error();
      if (!events.empty()) return taken(std::move(events));
    }
  }

 private:
  struct Head {
    net::Response response;  // without a body
  };
  struct Event {
    std::uint64_t id = 0;
    std::variant<Head, std::string, Result<net::Response>> value;
  };

  // A stream of which a journal is to have a copy.
  struct Heard {
    KeptStream kept;
    llm::WireRequest wire;
    nb::object status = nb::none(), headers = nb::none();
    nb::list pieces;
  };

  // Whether the stream is known from an earlier making of the run: then it comes from there. Nothing is kept
  // of requests that are not for answers of models: nobody could tell whether they came to their end.
  bool recall(std::uint64_t id, nb::handle parts) {
    if (!KeptStream::wanted()) return false;
    const net::Request request = to_request(parts);
    std::optional<llm::ForeignRequest> foreign = llm::read_foreign(request);
    if (!foreign) return false;
    Digest digest;
    digest.add_text(request.method);
    digest.add_text(request.url);
    digest.add_text(request.body);
    request.headers.for_each_line([&](std::string_view line) {
      if (line.starts_with("anthropic-") || line.starts_with("openai-")) digest.add_text(line);
    });
    KeptStream kept = KeptStream::here(digest.finish());
    if (!kept.keeps()) return false;
    const nb::object whole = kept.recall();
    if (!whole) {
      heard_[id] = {.kept = std::move(kept), .wire = std::move(foreign->wire), .pieces = {}};
      return false;
    }
    handles_[id] = nullptr;
    net::Response head{.status = nb::cast<int>(whole[0]), .headers = {}, .body = {}};
    for (nb::handle header : nb::borrow<nb::sequence>(nb::object(whole[1])))
      head.headers.add(to_bytes(nb::object(header[0])), to_bytes(nb::object(header[1])));
    done_->push({id, Head{head}});
    for (nb::handle piece : nb::borrow<nb::sequence>(nb::object(whole[2])))
      done_->push({id, to_bytes(piece)});
    done_->push({id, Result<net::Response>(std::move(head))});
    return true;
  }

  void keep(std::uint64_t id) {
    const auto found = heard_.extract(id);
    if (found.empty()) return;
    Heard& heard = found.mapped();
    llm::AnswerStream stream(heard.wire, [](std::string_view) {});
    for (nb::handle piece : heard.pieces)
      if (!stream.feed(to_bytes(piece))) return;
    if (stream.finish()) heard.kept.keep(nb::make_tuple(heard.status, heard.headers, heard.pieces));
  }

  llm::OnResponse to_here(std::uint64_t id) {
    return [done = done_, id](Result<net::Response> response, Duration) {
      done->push({id, std::move(response)});
    };
  }

  nb::object taken(std::vector<Event> events) {
    nb::list all;
    for (const auto& [id, value] : events) {
      if (!handles_.contains(id)) continue;
      const auto heard = heard_.find(id);
      if (const auto* head = std::get_if<Head>(&value)) {
        const nb::object status = nb::int_(head->response.status),
                         headers = to_headers(head->response.headers);
        if (heard != heard_.end())
          std::tie(heard->second.status, heard->second.headers) = std::tie(status, headers);
        all.append(nb::make_tuple(id, "head", nb::make_tuple(status, headers)));
      } else if (const auto* text = std::get_if<std::string>(&value)) {
        const nb::bytes piece(text->data(), text->size());
        if (heard != heard_.end()) heard->second.pieces.append(piece);
        all.append(nb::make_tuple(id, "piece", piece));
      } else {
        keep(id);
        handles_.erase(id);
        all.append(nb::make_tuple(id, "done", to_outcome(std::get<Result<net::Response>>(value))));
      }
    }
    return all;
  }

  // Shared with the handlers.
  std::shared_ptr<exec::CompletionQueue<Event>> done_ = std::make_shared<exec::CompletionQueue<Event>>();
  std::unordered_map<std::uint64_t, net::Handle> handles_;
  std::unordered_map<std::uint64_t, Heard> heard_;  // those of handles_ that a journal is to have
};

}  // namespace

bool is_adopted(PyObject* receiver) {
  if (!any_adopted) return false;
  static auto* adopted = imported("xcs._adopt", "is_adopted").release().ptr();
  return nb::cast<bool>(nb::handle(adopted)(nb::handle(receiver)));
}

AdoptedCall::AdoptedCall(nb::object callee, CallArguments arguments, nb::object handled, const Place& place)
    : callee_(std::move(callee)),
      context_(checked(PyContext_CopyCurrent())),
      handled_(std::move(handled)),
      arguments_(std::move(arguments)),
      place_(place) {}

std::pair<nb::object, bool> AdoptedCall::ended(nb::object outcome) {
  const bool raised = nb::cast<bool>(outcome[0]);
  nb::object value = outcome[1];
  // Raised on the calling thread, it would have had the exception being handled there as its context.
  if (raised && handled_ && !handled_.is(value) && nb::object(value.attr("__context__")).is_none())
    PyException_SetContext(value.ptr(), nb::object(handled_).release().ptr());
  return {std::move(value), raised};
}

std::optional<net::Handle> AdoptedCall::send(Ledger& ledger, llm::OnResponse done) {
  static auto* begin = imported("xcs._adopt", "begin").release().ptr();
  nb::object begun;
  try {
    begun = context_.attr("run")(nb::handle(begin), callee_, arguments_.positional, arguments_.keywords);
  } catch (nb::python_error& error) {
    outcome_ = nb::make_tuple(true, error.value());
    return std::nullopt;
  }
  if (nb::object(begun[0]).is_none()) {
    outcome_ = begun[1];
    return std::nullopt;
  }
  replay_ = begun[1];
  return send_request(to_request(nb::object(begun[0])), nb::cast<int>(begun[2]), Spender(&ledger, place_),
                      std::move(done));
}

std::pair<nb::object, bool> AdoptedCall::receive(const Result<net::Response>& response) {
  // What a run's bounds refuse was never sent: the SDK has no exception for it.
  if (!response && response.error().code.starts_with("llm."))
    return ended(nb::make_tuple(true, to_exception(response.error())));
  try {
    return ended(context_.attr("run")(replay_, to_outcome(response)));
  } catch (nb::python_error& error) {
    return ended(nb::make_tuple(true, error.value()));
  }
}

std::pair<nb::object, bool> AdoptedCall::take() { return ended(outcome_); }

void bind_http(nb::module_& m) {
  m.def("set_adopts", [] { any_adopted = true; }, "From now on, receivers of calls may be adopted.");
  nb::class_<HttpPort>(m, "HttpPort", "HTTP on the reactor; see xcs._adopt.")
      .def(nb::init<int>(), nb::arg("descriptor"))
      .def("send", &HttpPort::send)
      .def("open", &HttpPort::open)
      .def("cancel", &HttpPort::cancel)
      .def("poll", &HttpPort::poll)
      .def("wait", &HttpPort::wait);
}

}  // namespace xcs::python

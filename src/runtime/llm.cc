#include "xcs/llm.h"

#include <utility>

#include "runtime/live_executor.h"
#include "xcs/errors.h"
#include "xcs/op.h"

namespace xcs {

namespace {

std::exception_ptr to_exception(const Error& error) {
  const bool unsent = error.kind == ErrorKind::kUsage && !error.http_status;
  if (unsent) return std::make_exception_ptr(UsageError(error.message));
  return std::make_exception_ptr(
      CallError(error.code, error.kind == ErrorKind::kTransient, error.http_status, error.message));
}

LlmAnswer to_answer(llm::ChatAnswer answer) {
  return {.text = std::move(answer.text),
          .model = std::move(answer.model),
          .finish_reason = std::move(answer.finish_reason),
          .input_tokens = answer.usage.input_tokens,
          .output_tokens = answer.usage.output_tokens,
          .request_id = std::move(answer.request_id),
          .attempts = answer.attempts};
}

class ChatOperation final : public runtime::NativeOperation {
 public:
  ChatOperation(Value<std::string> prompt, LlmOptions options)
      : prompt_(std::move(prompt)), options_(std::move(options)) {}

  net::Handle start(llm::Client& client, Done done) override {
    return client.start(request(), [done = std::move(done)](Result<llm::ChatAnswer> answer) mutable {
      if (answer) {
        done(detail::make<detail::BoxOf<LlmAnswer>>(to_answer(*std::move(answer))), nullptr);
      } else {
        done({}, to_exception(answer.error()));
      }
    });
  }
  void drop() override { prompt_.reset(); }

 private:
  llm::ChatRequest request() const {
    llm::ChatRequest request{.base_url = options_.base_url,
                             .api_key = options_.api_key,
                             .model = options_.model,
                             .system = options_.system,
                             .messages = {{.role = "user", .content = detail::seen(*prompt_)}},
                             .max_tokens = options_.max_tokens,
                             .temperature = options_.temperature,
                             .max_retries = options_.max_retries};
    if (options_.provider != Provider::kByModel)
      request.provider =
          options_.provider == Provider::kOpenAi ? llm::Provider::kOpenAi : llm::Provider::kAnthropic;
    request.timeouts.total = options_.timeout;
    return request;
  }

  std::optional<Value<std::string>> prompt_;
  const LlmOptions options_;
};

}  // namespace

Value<LlmAnswer> Llm::answer(Value<std::string> prompt) const {
  const detail::Handle* operand = &prompt.handle();
  const auto operation = detail::make<ChatOperation>(prompt, options_);
  return Value<LlmAnswer>(detail::call(detail::Ref<detail::Operation>(operation), std::span(&operand, 1)));
}

Value<std::string> Llm::operator()(Value<std::string> prompt) const {
  return then([](const LlmAnswer& answer) { return answer.text; }, answer(std::move(prompt)));
}

}  // namespace xcs

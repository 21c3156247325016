#include "kept_stream.h"

#include <future>
#include <utility>

#include "gil.h"
#include "recorder.h"

namespace xcs::python {

bool KeptStream::wanted() {
  const Recorder* const recorder = Spender::here().recorder();
  return recorder != nullptr && recorder->has_journal();
}

KeptStream KeptStream::here(const std::string& request) {
  KeptStream stream;
  stream.spender_ = Spender::here();
  Recorder* const recorder = stream.spender_.recorder();
  if (recorder != nullptr && recorder->has_journal())
    stream.key_ = recorder->stream_key(stream.spender_.within(), request, stream.spender_.place());
  return stream;
}

nb::object KeptStream::recall() {
  if (!key_) return {};
  return spender_.recorder()->find_stream(*key_).value_or(nb::object());
}

// The run may have ended before its stream.
void KeptStream::keep(nb::handle whole) {
  const std::optional<store::CallKey> key = std::exchange(key_, std::nullopt);
  Recorder* const recorder = spender_.recorder();
  if (!key || recorder == nullptr || !recorder->has_journal()) return;
  std::promise<std::optional<Error>> durable;
  if (!recorder->keep_stream(*key, whole,
                             [&durable](const std::optional<Error>& error) { durable.set_value(error); }))
    return;
  std::optional<Error> error;
  {
    const WithoutGil waiting;
    error = durable.get_future().get();
  }
  if (error) throw store::StoreError(*error);
}

}  // namespace xcs::python

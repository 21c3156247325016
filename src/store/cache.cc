#include "store/cache.h"

namespace xcs::store {
namespace {

constexpr std::uint32_t kApplicationId = 0x78637363;  // "xcsc"
constexpr int kVersion = 1;

constexpr const char* kSchema = R"(
CREATE TABLE answer (
  id INTEGER PRIMARY KEY, request BLOB NOT NULL, ordinal INTEGER NOT NULL, site TEXT NOT NULL, stored REAL NOT NULL,
  form INTEGER NOT NULL, answer BLOB NOT NULL, UNIQUE (request, ordinal));
)";

}  // namespace

Cache::Cache(const std::string& path)
    : writer_(std::make_unique<Database>(path, kApplicationId, kVersion, kSchema)),
      reader_(path, kApplicationId, kVersion, kSchema) {}

std::optional<Answer> Cache::find(const CacheKey& key) {
  const MutexLock lock(mutex_);
  Statement row = reader_.prepare("SELECT form, answer FROM answer WHERE request = ? AND ordinal = ?");
  if (!row.bind_blob(key.request).bind(key.ordinal).step()) return std::nullopt;
  return Answer{static_cast<int>(row.integer(0)), row.bytes(1)};
}

void Cache::keep(CacheKey key, std::string site, Answer answer) {
  writer_.write([key = std::move(key), site = std::move(site), answer = std::move(answer),
                 time = now()](Database& database) {
    database
        .prepare(
            "INSERT INTO answer (request, ordinal, site, stored, form, answer) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING")
        .bind_blob(key.request)
        .bind(key.ordinal)
        .bind_text(site)
        .bind(time)
        .bind(std::int64_t{answer.form})
        .bind_blob(answer.bytes)
        .run();
  });
}

void Cache::flush() {
  writer_.write_now([](Database&) {});
}

}  // namespace xcs::store

#include "store/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace xcs::store {
namespace {

// How long another process may hold the file's write lock.
constexpr int kBusyMilliseconds = 30'000;

// SQLite gives its -wal and -shm files the permissions of the file itself.
void make_private(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0)
    throw StoreError(
        {ErrorKind::kUsage, "store.open", fmt::format("cannot open {}: {}", path, std::strerror(errno))});
  struct stat status{};
  const bool shared = ::fstat(file, &status) == 0 && (status.st_mode & 077) != 0;
  const bool failed = shared && ::fchmod(file, 0600) != 0;
  ::close(file);
  if (failed)
    throw StoreError({ErrorKind::kUsage, "store.permissions",
                      fmt::format("{} can be read by others, and its permissions cannot be changed", path)});
}

}  // namespace

Statement::~Statement() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::bind(std::int64_t number) {
  sqlite3_bind_int64(statement_, ++bound_, number);
  return *this;
}
Statement& Statement::bind(double number) {
  sqlite3_bind_double(statement_, ++bound_, number);
  return *this;
}
Statement& Statement::bind_text(std::string_view text) {
  sqlite3_bind_text64(statement_, ++bound_, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}
Statement& Statement::bind_blob(std::string_view bytes) {
  sqlite3_bind_blob64(statement_, ++bound_, bytes.data() == nullptr ? "" : bytes.data(), bytes.size(),
                      SQLITE_STATIC);
  return *this;
}

bool Statement::step() {
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  if (status != SQLITE_DONE) database_.fail(status);
  return false;
}

std::string Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
}

Database::Database(const std::string& path, std::uint32_t application_id, int version, const char* schema)
    : path_(path) {
  make_private(path);
  try {
    const int status =
        sqlite3_open_v2(path.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    if (status != SQLITE_OK) fail(status);
    sqlite3_busy_timeout(handle_, kBusyMilliseconds);
    execute("PRAGMA journal_mode = WAL");
    execute(
        "PRAGMA synchronous = FULL");  // an answer is kept when its transaction ends, even if the power fails
    recognise(application_id, version, schema);
  } catch (...) {
    close();
    throw;
  }
}

Database::~Database() { close(); }

// Statements that are left keep the connection, and the file, open.
void Database::close() {
  for (const auto& [sql, statement] : prepared_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

void Database::leave_log() { sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }

void Database::recognise(std::uint32_t application_id, int version, const char* schema) {
  Transaction transaction(*this);
  const auto number = [&](const char* pragma) {
    Statement s = prepare(pragma);
    return s.step() ? s.integer(0) : 0;
  };
  const std::int64_t found = number("PRAGMA application_id");
  const std::int64_t found_version = number("PRAGMA user_version");
  const bool empty = number("SELECT count(*) FROM sqlite_schema") == 0;
  if (empty) {
    execute(schema);
    execute(
        fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", application_id, version).c_str());
  } else if (found != application_id) {
    throw StoreError(
        {ErrorKind::kUsage, "store.foreign", fmt::format("{} is a file of another kind", path_)});
  } else if (found_version != version) {
    throw StoreError(
        {ErrorKind::kUsage, "store.version",
         fmt::format("{} has format {}, and this version of xcs writes format {}; use another file", path_,
                     found_version, version)});
  }
  transaction.commit();
}

Statement Database::prepare(const char* sql) {
  sqlite3_stmt*& statement = prepared_[sql];
  if (statement == nullptr) {
    const int status = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (status != SQLITE_OK) fail(status);
  }
  return {*this, statement};
}

void Database::execute(const char* sql) {
  const int status = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) fail(status);
}

void Database::fail(int status) const {
  const char* text = handle_ == nullptr ? sqlite3_errstr(status) : sqlite3_errmsg(handle_);
  const bool usage = (status & 0xff) == SQLITE_NOTADB || (status & 0xff) == SQLITE_CANTOPEN;
  throw StoreError({usage ? ErrorKind::kUsage : ErrorKind::kTransient, "store.sqlite",
                    fmt::format("{}: {}", path_, text)});
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const StoreError&) {
    // SQLite has rolled back by itself.
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace xcs::store

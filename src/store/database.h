// SQLite files that only their owner can read, and the statements that run on them.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"

namespace xcs::store {

// A failure of the file: code "store.…", kind usage where another path would do.
class StoreError final : public std::runtime_error {
 public:
  explicit StoreError(Error error) : std::runtime_error(error.message), error_(std::move(error)) {}
  const Error& error() const { return error_; }

 private:
  Error error_;
};

class Database;

// A prepared statement at one row, or at none; binds from left to right and is reset when it goes.
class Statement {
 public:
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::int64_t number);
  Statement& bind(double number);
  Statement& bind_text(std::string_view text);   // the text must outlive the statement's use
  Statement& bind_blob(std::string_view bytes);  // likewise

  // Whether there is a row. Throws StoreError.
  bool step();
  void run() { step(); }

  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  double real(int column) const { return sqlite3_column_double(statement_, column); }
  std::string bytes(int column) const;

 private:
  friend class Database;
  Statement(Database& database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}

  Database& database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

// One connection. Not safe for use by several threads at once. All throw StoreError.
class Database {
 public:
  // Opens the file or makes it, in WAL mode, readable and writable by its owner alone. A file whose
  // application id is another one is refused; `schema` makes the tables of an empty one.
  Database(const std::string& path, std::uint32_t application_id, int version, const char* schema);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // The statement of this text, prepared once. REQUIRES: no other Statement of the same text is alive
  Statement prepare(const char* sql);
  void execute(const char* sql);
  std::int64_t changes() const { return sqlite3_changes64(handle_); }
  std::int64_t last_id() const { return sqlite3_last_insert_rowid(handle_); }
  const std::string& path() const { return path_; }
  // Closing it will leave what was written in the log beside the file, where it is as durable.
  void leave_log();

  [[noreturn]] void fail(int status) const;

 private:
  void close();
  void recognise(std::uint32_t application_id, int version, const char* schema);

  std::string path_;
  sqlite3* handle_ = nullptr;
  std::unordered_map<const char*, sqlite3_stmt*> prepared_;
};

// Writes of a scope, done together at commit() or not at all.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database.execute("BEGIN IMMEDIATE"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace xcs::store

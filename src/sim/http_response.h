#pragma once

#include <string>
#include <string_view>

#include "sim/script.h"

namespace xcs::sim {

// How a script travels over HTTP/1.1. Each function appends bytes.
void append_head(std::string& out, const Script& script);
// A part of the body: a chunk of its own when the body's length was not announced. An empty part is nothing.
void append_piece(std::string& out, const Script& script, std::string_view piece);
// What follows the last part of the body.
void append_end(std::string& out, const Script& script);

// All of a script's bytes, whenever they are due.
std::string http_response(const Script& script);

}  // namespace xcs::sim

// Why a function is run whole, or a statement in order, by the host: stable codes and what they mean.
#pragma once

#include <span>
#include <string_view>

namespace xcs::lower {

struct Refusal {
  std::string_view code;
  std::string_view explanation;  // one sentence for the user
};

// Codes of Program::refusal: the whole function runs in order.
namespace refusal {
inline constexpr std::string_view kAsyncGenerator = "async-generator";
inline constexpr std::string_view kTasks = "starts-tasks";
inline constexpr std::string_view kFrame = "looks-at-its-frame";
inline constexpr std::string_view kYieldFrom = "yield-from";
inline constexpr std::string_view kExit = "leaves-unlowered-statement";
inline constexpr std::string_view kTemplate = "template-string";
inline constexpr std::string_view kDepth = "too-deeply-nested";
}  // namespace refusal

// Codes of Program::reasons: one statement runs in order.
namespace reason {
inline constexpr std::string_view kImport = "import-statement";
inline constexpr std::string_view kClass = "class-statement";
inline constexpr std::string_view kTryStar = "except-star";
inline constexpr std::string_view kTypeAlias = "type-alias";
inline constexpr std::string_view kTypeParameters = "type-parameters";
inline constexpr std::string_view kLazyAnnotations = "lazy-annotations";
}  // namespace reason

// All of them, sorted by code.
std::span<const Refusal> refusals();

}  // namespace xcs::lower

// Summarises documents, looks for the most urgent one, and prints a line for each on the way:
//
//   summarise [--sequential] BASE_URL
//
// BASE_URL is that of a server that speaks OpenAI's chat completions, such as `xcs sim`:
// http://127.0.0.1:8080/v1. With --sequential every call is complete before the next line runs. The output is
// the same either way; the figures on standard error are not.

#include <xcs/xcs.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Document {
  std::string name;
  std::string text;
};

struct Report {
  std::string name;
  std::string summary;
  std::string keywords;
};

std::vector<Document> read_documents() {
  std::vector<Document> documents;
  for (int i = 1; i <= 12; ++i) {
    const std::string number = std::to_string(i);
    documents.push_back({"report-" + number, "Station " + number + " measured " +
                                                 std::to_string(i * 37 % 50) +
                                                 " millimetres of rain; the gauge was cleaned."});
  }
  return documents;
}

void print(const std::string& line) { std::cout << line << '\n'; }

// One frame for each document. It looks at the summary only to decide whether a second opinion is needed.
xcs::Value<Report> examine(xcs::Llm model, Document document) {
  xcs::Value<std::string> keywords = model("Three keywords for: " + document.text);
  std::string summary = co_await model("Summarise: " + document.text);
  if (summary.size() % 2 == 0) summary = co_await model("Say it more simply: " + summary);
  xcs::effect(print, document.name + ": " + summary);
  const std::string words = co_await keywords;
  co_return Report{document.name, summary, words};
}

xcs::Value<std::string> summarise_all(xcs::Llm model, std::vector<Document> documents) {
  const std::vector<xcs::Value<Report>> reports =
      xcs::map(documents, [&](Document document) { return examine(model, std::move(document)); });
  xcs::Value<std::string> prompt = xcs::then(
      [](const std::vector<Report>& all) {
        std::string text = "Which of these is the most urgent?";
        for (const Report& report : all) text += "\n" + report.name + ": " + report.keywords;
        return text;
      },
      reports);
  co_return co_await model(prompt);
}

int usage() {
  std::cerr << "usage: summarise [--sequential] BASE_URL\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string_view> arguments(argv + 1, argv + argc);
  const bool sequential = !arguments.empty() && arguments.front() == "--sequential";
  if (sequential) arguments.erase(arguments.begin());
  if (arguments.size() != 1) return usage();

  const xcs::Llm model(
      {.model = "gpt-4o-mini", .base_url = std::string(arguments.front()), .max_tokens = 40});
  xcs::Runtime runtime({.sequential = sequential});
  const auto begin = std::chrono::steady_clock::now();
  try {
    const std::string answer = runtime.run(summarise_all, model, read_documents());
    print("most urgent: " + answer);
  } catch (const std::exception& error) {
    std::cerr << "summarise: " << error.what() << '\n';
    return 1;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const xcs::RunStats stats = runtime.last_run();
  std::fprintf(stderr, "%llu calls in %u rounds, %u at once, %.2f s\n",
               static_cast<unsigned long long>(stats.calls), stats.rounds, stats.most_in_flight,
               took.count());
  return 0;
}

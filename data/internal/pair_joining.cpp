#include <tapegrad/data/internal/pair_joining.hpp>

namespace tapegrad::data {

void join(Tokens& tokens, std::int32_t left, std::int32_t right, std::int32_t joined) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool both = i + 1 < tokens.size() && tokens[i] == left && tokens[i + 1] == right;
    tokens[kept++] = both ? joined : tokens[i];
    i += both;
  }
  tokens.resize(kept);
}

void join_all(Tokens& tokens, const Joins& joins) {
  for (;;) {
    const Join* first = nullptr;
    std::int32_t left = 0, right = 0;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i)
      if (const auto pair = joins.find(key_of(tokens[i], tokens[i + 1]));
          pair != joins.end() && (!first || pair->second.rank < first->rank))
        first = &pair->second, left = tokens[i], right = tokens[i + 1];
    if (!first) return;
    join(tokens, left, right, first->token);
  }
}

}  // namespace tapegrad::data

#include <tapegrad/interchange/pretrained.hpp>

#include <fmt/format.h>

namespace tapegrad::io {
namespace {

/// The rules, and again for a model inside another one, of that name there.
std::vector<NameRule> also_below(const std::string& prefix, std::vector<NameRule> rules) {
  for (std::size_t i = 0, count = rules.size(); i < count; ++i)
    rules.push_back({prefix + "." + rules[i].from, rules[i].to, rules[i].transposed});
  return rules;
}

}  // namespace

std::vector<NameRule> resnet_names() {
  std::vector<NameRule> rules{{"conv1.{p}", "stem.{p}"},
                              {"bn1.num_batches_tracked", ""},
                              {"bn1.{p}", "stem_norm.{p}"},
                              {"fc.{p}", "output.{p}"}};
  for (int stage = 0; stage < 4; ++stage) {
    const std::string from = fmt::format("layer{}.{{i}}.", stage + 1), to = fmt::format("stages.{}.{{i}}.", stage);
    for (int k = 0; k < 3; ++k) {
      rules.push_back({fmt::format("{}conv{}.{{p}}", from, k + 1), fmt::format("{}convolutions.{}.{{p}}", to, k)});
      rules.push_back({fmt::format("{}bn{}.num_batches_tracked", from, k + 1), ""});
      rules.push_back({fmt::format("{}bn{}.{{p}}", from, k + 1), fmt::format("{}norms.{}.{{p}}", to, k)});
    }
    rules.push_back({from + "downsample.1.num_batches_tracked", ""});
    rules.push_back({from + "downsample.{k}.{p}", to + "shortcut.{k}.{p}"});
  }
  return rules;
}

std::vector<NameRule> vgg_names() {
  return {{"features.{i}.num_batches_tracked", ""},  // other layers of `features` have our names
          {"classifier.0.{p}", "hidden.0.{p}"},
          {"classifier.3.{p}", "hidden.1.{p}"},
          {"classifier.6.{p}", "output.{p}"}};
}

std::vector<NameRule> mobilenet_names() {
  return {{"features.{i}.{k}.num_batches_tracked", ""},
          {"features.{i}.conv.{k}.num_batches_tracked", ""},
          {"features.{i}.conv.{j}.{k}.num_batches_tracked", ""},
          {"classifier.1.{p}", "output.{p}"}};
}

std::vector<NameRule> gpt2_names() {
  const std::string block = "blocks.layers.{i}.";
  // Layers of Conv1D hold their matrices as [in, out]; `bias` and `masked_bias` hold the causal mask, lm_head the
  // embedding once more.
  std::vector<NameRule> rules =
      also_below("transformer", {{"wte.weight", "embedding.weight"},
                                 {"wpe.weight", "positions.weight"},
                                 {"h.{i}.attn.bias", ""},
                                 {"h.{i}.attn.masked_bias", ""},
                                 {"h.{i}.ln_1.{p}", block + "attention_norm.{p}"},
                                 {"h.{i}.attn.c_attn.{p}", block + "attention.{query,key,value}.{p}", true},
                                 {"h.{i}.attn.c_proj.{p}", block + "attention.output.{p}", true},
                                 {"h.{i}.ln_2.{p}", block + "feed_forward_norm.{p}"},
                                 {"h.{i}.mlp.c_fc.{p}", block + "feed_forward.expand.{p}", true},
                                 {"h.{i}.mlp.c_proj.{p}", block + "feed_forward.contract.{p}", true},
                                 {"ln_f.{p}", "blocks.norm.{p}"}});
  rules.push_back({"lm_head.weight", ""});
  return rules;
}

std::vector<NameRule> bert_names() {
  const std::string from = "encoder.layer.{i}.", to = "encoder.layers.{i}.";
  std::vector<NameRule> rules{{"embeddings.position_ids", ""},
                              {"embeddings.word_embeddings.weight", "words.weight"},
                              {"embeddings.position_embeddings.weight", "positions.weight"},
                              {"embeddings.token_type_embeddings.weight", "types.weight"},
                              {from + "attention.self.{part}.{p}", to + "attention.{part}.{p}"},
                              {from + "attention.output.dense.{p}", to + "attention.output.{p}"},
                              {from + "intermediate.dense.{p}", to + "feed_forward.expand.{p}"},
                              {from + "output.dense.{p}", to + "feed_forward.contract.{p}"},
                              {"pooler.dense.{p}", "pooler.{p}"}};
  const std::pair<std::string, std::string> norms[] = {{"embeddings.LayerNorm", "norm"},
                                                       {from + "attention.output.LayerNorm", to + "attention_norm"},
                                                       {from + "output.LayerNorm", to + "feed_forward_norm"}};
  for (const auto& [theirs, ours] : norms) {
    rules.push_back({theirs + ".gamma", ours + ".weight"});  // as TensorFlow called them, and early files do
    rules.push_back({theirs + ".beta", ours + ".bias"});
    rules.push_back({theirs + ".{p}", ours + ".{p}"});
  }
  return also_below("bert", std::move(rules));
}

}  // namespace tapegrad::io

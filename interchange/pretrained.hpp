#pragma once
// Where the tensors of published checkpoints go in the models of nn/models: tables for io::fill_state.
//
//   nn::models::ResNet model(nn::models::resnet(50));
//   std::cout << to_string(io::fill_state(model.state(), io::load_tensors("resnet50.pth"), io::resnet_names()));

#include <tapegrad/interchange/name_table.hpp>

namespace tapegrad::io {

/// torchvision's ResNet into nn::models::ResNet.
std::vector<NameRule> resnet_names();

/// torchvision's VGG into nn::models::Vgg.
std::vector<NameRule> vgg_names();

/// torchvision's MobileNetV2 into nn::models::MobileNet.
std::vector<NameRule> mobilenet_names();

/// Hugging Face's GPT2Model and GPT2LMHeadModel into nn::models::GptLanguageModel. Its `bias`, which GPT-2 has not, is
/// reported as missing, and stays 0; lm_head.weight is left out, since it is the embedding once more.
std::vector<NameRule> gpt2_names();

/// Hugging Face's BertModel, and the encoder of its models with heads, into nn::models::Bert.
std::vector<NameRule> bert_names();

}  // namespace tapegrad::io

"""make.py: writes the checkpoints beside it, each with what the model gives, as the papers and torchvision or Hugging Face
have it, written here on plain tensors. Needs PyTorch; the tests read what is here.

Names: "state.NAME" is a checkpoint's tensor, in float16; "given.NAME" an input; "expected.NAME" a result, and
"gradient.NAME" the gradient of the sum of the squares of expected.output, computed in float64.
"""

import json
import math
import struct
from pathlib import Path

import torch
import torch.nn.functional as F

FOLDER = Path(__file__).parent


class State(dict):
    """Random values by name, the same ones whenever they are asked for again."""

    def __init__(self, seed):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def take(self, name, *shape, scale=0.5, around=0.0):
        if name not in self:
            value = around + scale * torch.randn(shape, generator=self.generator)
            self[name] = value.half().double().requires_grad_()
        return self[name]


# ---- ResNet, as torchvision -----------------------------------------------------------------------------------------


def batch_norm(s, name, x):
    channels = x.shape[1]
    weight = s.take(name + ".weight", channels, scale=0.2, around=1)
    bias = s.take(name + ".bias", channels)
    mean = s.take(name + ".running_mean", channels)
    variance = s.take(name + ".running_var", channels, scale=0.1, around=1)
    y = (x - mean[:, None, None]) / torch.sqrt(variance[:, None, None] + 1e-5)
    return y * weight[:, None, None] + bias[:, None, None]


def conv(s, name, x, out, kernel, stride):
    weight = s.take(name + ".weight", out, x.shape[1], kernel, kernel, scale=1.4 / math.sqrt(x.shape[1] * kernel**2))
    return F.conv2d(x, weight, stride=stride, padding=kernel // 2)


def resnet(s, x, blocks, bottleneck, width, classes):
    x = F.relu(batch_norm(s, "bn1", conv(s, "conv1", x, width, 7, 2)))
    x = F.max_pool2d(x, 3, 2, 1)
    for stage, count in enumerate(blocks):
        channels = width * 2**stage
        for i in range(count):
            at, stride = f"layer{stage + 1}.{i}.", 2 if stage > 0 and i == 0 else 1
            shapes = [(channels, 1, 1), (channels, 3, stride), (4 * channels, 1, 1)]
            if not bottleneck:
                shapes = [(channels, 3, stride), (channels, 3, 1)]
            y = x
            for k, shape in enumerate(shapes, 1):
                y = batch_norm(s, f"{at}bn{k}", conv(s, f"{at}conv{k}", y, *shape))
                y = F.relu(y) if k < len(shapes) else y
            if x.shape != y.shape:
                x = batch_norm(s, at + "downsample.1", conv(s, at + "downsample.0", x, y.shape[1], 1, stride))
            x = F.relu(x + y)
    features = x.mean((2, 3))
    weight = s.take("fc.weight", classes, features.shape[1])
    return {"output": F.linear(features, weight, s.take("fc.bias", classes)), "features": features}


# ---- VGG and MobileNetV2, as torchvision ----------------------------------------------------------------------------


def linear(s, name, x, out, scale=0.3):
    weight = s.take(name + ".weight", out, x.shape[-1], scale=scale)
    return F.linear(x, weight, s.take(name + ".bias", out))


def vgg(s, x, convolutions, channels, norms, hidden, classes):
    at = 0
    for count, width in zip(convolutions, channels):
        for _ in range(count):
            x = conv(s, f"features.{at}", x, width, 3, 1)
            x = x + s.take(f"features.{at}.bias", width)[:, None, None]
            x = F.relu(batch_norm(s, f"features.{at + 1}", x) if norms else x)
            at += 3 if norms else 2
        x = F.max_pool2d(x, 2)
        at += 1
    x = F.adaptive_avg_pool2d(x, 7).flatten(1)
    x = F.relu(linear(s, "classifier.0", x, hidden, 0.1))
    x = F.relu(linear(s, "classifier.3", x, hidden))
    return {"output": linear(s, "classifier.6", x, classes)}


def mobilenet(s, x, stages, first, last, classes):
    def unit(name, x, out, kernel, stride, groups=1):
        weight = s.take(f"{name}.0.weight", out, x.shape[1] // groups, kernel, kernel, scale=0.7)
        x = F.conv2d(x, weight, stride=stride, padding=(kernel - 1) // 2, groups=groups)
        return batch_norm(s, f"{name}.1", x).clamp(0, 6)

    x = unit("features.0", x, first, 3, 2)
    at = 1
    for expansion, channels, blocks, stride in stages:
        for i in range(blocks):
            name, y, width, k = f"features.{at}.conv", x, x.shape[1] * expansion, 0
            if expansion != 1:
                y, k = unit(f"{name}.0", y, width, 1, 1), 1
            y = unit(f"{name}.{k}", y, width, 3, stride if i == 0 else 1, width)
            y = batch_norm(s, f"{name}.{k + 2}", conv(s, f"{name}.{k + 1}", y, channels, 1, 1))
            x = x + y if x.shape == y.shape else y
            at += 1
    x = unit(f"features.{at}", x, last, 1, 1)
    return {"output": linear(s, "classifier.1", x.mean((2, 3)), classes)}


# ---- Transformers, as Hugging Face ----------------------------------------------------------------------------------


def layer_norm(s, name, x, eps, names=("weight", "bias")):
    weight = s.take(f"{name}.{names[0]}", x.shape[-1], scale=0.2, around=1)
    return F.layer_norm(x, x.shape[-1:], weight, s.take(f"{name}.{names[1]}", x.shape[-1]), eps)


def attention(q, k, v, heads, hidden):
    """`hidden`: where a query may not look."""
    q, k, v = (t.view(*t.shape[:2], heads, -1).transpose(1, 2) for t in (q, k, v))
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    return (scores.masked_fill(hidden, -math.inf).softmax(-1) @ v).transpose(1, 2).flatten(2)


def gpt2(s, ids, tokens, width, layers, heads, context):
    def conv1d(name, x, out):
        return x @ s.take(name + ".weight", x.shape[-1], out, scale=0.3) + s.take(name + ".bias", out)

    word = s.take("transformer.wte.weight", tokens, width)
    x = word[ids] + s.take("transformer.wpe.weight", context, width)[: ids.shape[1]]
    ahead = torch.ones(ids.shape[1], ids.shape[1]).triu(1).bool()
    for i in range(layers):
        at = f"transformer.h.{i}."
        q, k, v = conv1d(at + "attn.c_attn", layer_norm(s, at + "ln_1", x, 1e-5), 3 * width).chunk(3, -1)
        x = x + conv1d(at + "attn.c_proj", attention(q, k, v, heads, ahead), width)
        y = conv1d(at + "mlp.c_fc", layer_norm(s, at + "ln_2", x, 1e-5), 4 * width)
        y = 0.5 * y * (1 + torch.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y**3)))
        x = x + conv1d(at + "mlp.c_proj", y, width)
    return {"output": layer_norm(s, "transformer.ln_f", x, 1e-5) @ word.T}


def bert(s, ids, types, mask, tokens, width, layers, heads, hidden, context):
    def norm(name, x):
        return layer_norm(s, name + ".LayerNorm", x, 1e-12, ("gamma", "beta"))

    at = "bert.embeddings."
    x = s.take(at + "word_embeddings.weight", tokens, width)[ids]
    x = x + s.take(at + "position_embeddings.weight", context, width)[: ids.shape[1]]
    x = norm("bert.embeddings", x + s.take(at + "token_type_embeddings.weight", 2, width)[types])
    for i in range(layers):
        at = f"bert.encoder.layer.{i}."
        q, k, v = (linear(s, f"{at}attention.self.{part}", x, width) for part in ("query", "key", "value"))
        y = attention(q, k, v, heads, ~mask[:, None, None, :])
        x = norm(at + "attention.output", x + linear(s, at + "attention.output.dense", y, width))
        y = linear(s, at + "intermediate.dense", x, hidden)
        y = linear(s, at + "output.dense", y * 0.5 * (1 + torch.erf(y / math.sqrt(2))), width)
        x = norm(at + "output", x + y)
    return {"output": torch.tanh(linear(s, "bert.pooler.dense", x[:, 0], width)), "vectors": x[mask]}


# ---- files ----------------------------------------------------------------------------------------------------------


def run(model, seed, given, watched, **sizes):
    state = State(seed)
    results = model(state, *given.values(), **sizes)
    results["output"].square().sum().backward()
    groups = {"state": {name: value.detach().half() for name, value in state.items()}}
    groups["given"] = {name: t.half() if t.is_floating_point() else t for name, t in given.items()}
    groups["expected"] = {name: value.detach() for name, value in results.items()}
    groups["gradient"] = {name: state[name].grad for name in watched}
    return groups


def save_safetensors(name, groups):
    types = {torch.float16: "F16", torch.float32: "F32", torch.float64: "F64", torch.int64: "I64", torch.bool: "BOOL"}
    header, data = {}, b""
    for group, tensors in groups.items():
        for key, t in tensors.items():
            content = t.contiguous().numpy().tobytes()
            place = [len(data), len(data) + len(content)]
            header[f"{group}.{key}"] = {"dtype": types[t.dtype], "shape": list(t.shape), "data_offsets": place}
            data += content
    text = json.dumps(header).encode()
    (FOLDER / name).write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(2, 3, 40, 32, generator=generator).half().double()
    basic = {"blocks": (1, 2, 1, 1), "bottleneck": False, "width": 2, "classes": 3}
    watched = ["conv1.weight", "layer2.0.downsample.0.weight", "layer4.0.conv2.weight", "fc.bias"]
    small = run(resnet, 1, {"images": images}, watched, **basic)
    small["state"]["bn1.num_batches_tracked"] = torch.tensor(7)
    torch.save(small, FOLDER / "resnet_basic.pt")
    bottleneck = {**basic, "blocks": (1, 1, 1, 1), "bottleneck": True}
    watched = ["conv1.weight", "layer1.0.conv3.weight", "layer2.0.bn2.weight"]
    save_safetensors("resnet_bottleneck.safetensors", run(resnet, 2, {"images": images}, watched, **bottleneck))

    ids = torch.randint(0, 11, (2, 6), generator=generator)
    picture = images[:1, :, :28, :28].contiguous()
    sizes = {"convolutions": (1, 2), "channels": (2, 4), "norms": False, "hidden": 5, "classes": 3}
    watched = ["features.0.weight", "features.5.bias", "classifier.3.weight"]
    save_safetensors("vgg.safetensors", run(vgg, 5, {"images": picture}, watched, **sizes))
    watched = ["features.1.weight", "classifier.6.bias"]
    save_safetensors("vgg_norm.safetensors", run(vgg, 6, {"images": picture}, watched, **{**sizes, "norms": True}))
    sizes = {"stages": ((1, 2, 1, 1), (3, 4, 2, 2)), "first": 2, "last": 6, "classes": 3}
    watched = ["features.0.0.weight", "features.2.conv.1.0.weight", "features.3.conv.3.weight", "classifier.1.weight"]
    save_safetensors("mobilenet.safetensors", run(mobilenet, 7, {"images": picture}, watched, **sizes))

    sizes = {"tokens": 11, "width": 8, "layers": 2, "heads": 2, "context": 8}
    watched = ["transformer.wte.weight", "transformer.h.0.attn.c_attn.weight", "transformer.h.1.mlp.c_fc.bias"]
    language = run(gpt2, 3, {"ids": ids}, watched, **sizes)
    language["state"]["transformer.h.0.attn.bias"] = torch.ones(1, 1, 8, 8).tril().bool()
    language["state"]["lm_head.weight"] = language["state"]["transformer.wte.weight"]
    torch.save(language, FOLDER / "gpt2.pt")

    types = torch.tensor([[0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]]).bool()
    watched = ["bert.embeddings.token_type_embeddings.weight", "bert.encoder.layer.0.attention.self.key.weight"]
    texts = run(bert, 4, {"ids": ids, "types": types, "mask": mask}, watched, hidden=12, **sizes)
    texts["state"]["cls.predictions.bias"] = torch.zeros(11).half()
    save_safetensors("bert.safetensors", texts)


main()

#!/usr/bin/env python3
"""Writes random weights of a model's shape, to try out what a model of that size takes without having it.

    scripts/random_weights.py FOLDER [--layers N] [--seed S]

FOLDER holds the config.json of a Llama or Qwen3 model and a tokenizer. One model-*.safetensors a layer is written beside
them, in bfloat16 and without holding more than one tensor in memory. Such a model knows nothing: it is for time, memory
and the way through a program, never for a result. With --layers, config.json is rewritten with fewer layers of the same
width.
"""

import argparse
import json
import random
import struct
from pathlib import Path

ONE = b"\x80\x3f"  # 1.0 in bfloat16, little-endian
# Any byte as the high byte of a number of either sign between 1/64 and 1/32, about as weights are initialised.
HIGH = bytes(0x3C | (byte & 0x80) for byte in range(256))
LOW = bytes(0x80 | byte for byte in range(256))
PIECE = 1 << 24  # numbers drawn at a time


def tensors(config):
    """Files of the checkpoint, each a list of (name, shape)."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    pairs = config.get("num_key_value_heads") or heads
    size = config.get("head_dim") or hidden // heads
    if config["model_type"] not in ("llama", "qwen3"):
        raise SystemExit(f"expected model_type llama or qwen3, got {config['model_type']}")
    vocabulary = [config["vocab_size"], hidden]
    yield [("model.embed_tokens.weight", vocabulary)]
    for layer in range(config["num_hidden_layers"]):
        parts = [
            ("input_layernorm", [hidden]),
            ("post_attention_layernorm", [hidden]),
            ("self_attn.q_proj", [heads * size, hidden]),
            ("self_attn.k_proj", [pairs * size, hidden]),
            ("self_attn.v_proj", [pairs * size, hidden]),
            ("self_attn.o_proj", [hidden, heads * size]),
            ("mlp.gate_proj", [inner, hidden]),
            ("mlp.up_proj", [inner, hidden]),
            ("mlp.down_proj", [hidden, inner]),
        ]
        if config["model_type"] == "qwen3":
            parts += [("self_attn.q_norm", [size]), ("self_attn.k_norm", [size])]
        yield [(f"model.layers.{layer}.{name}.weight", shape) for name, shape in parts]
    last = [("model.norm.weight", [hidden])]
    if not config.get("tie_word_embeddings", False):
        last.append(("lm_head.weight", vocabulary))
    yield last


def numbers(shape):
    count = 1
    for size in shape:
        count *= size
    return count


def write(path, named, rng):
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in named:
        begin, end = end, end + 2 * numbers(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in named:
            left = numbers(shape)
            if "norm" in name:
                file.write(ONE * left)
                continue
            while left > 0:
                count = min(left, PIECE)
                drawn = bytearray(rng.randbytes(2 * count))
                drawn[0::2] = drawn[0::2].translate(LOW)
                drawn[1::2] = drawn[1::2].translate(HIGH)
                file.write(drawn)
                left -= count


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    path = asked.folder / "config.json"
    config = json.loads(path.read_text())
    if asked.layers is not None:
        config["num_hidden_layers"] = asked.layers
        path.write_text(json.dumps(config, indent=2) + "\n")
    rng = random.Random(asked.seed)
    files = list(tensors(config))
    index, total = {}, 0
    for number, named in enumerate(files, start=1):
        name = f"model-{number:05}-of-{len(files):05}.safetensors"
        write(asked.folder / name, named, rng)
        index.update((tensor, name) for tensor, _ in named)
        total += sum(numbers(shape) for _, shape in named)
    listing = {"metadata": {"total_size": 2 * total}, "weight_map": index}
    (asked.folder / "model.safetensors.index.json").write_text(json.dumps(listing, indent=2) + "\n")
    print(f"{total / 1e9:.2f} G parameters in {len(files)} files")


if __name__ == "__main__":
    main()

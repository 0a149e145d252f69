"""A random checkpoint in Hugging Face layout, written tensor by tensor: config.json, model.safetensors, tokenizer.

    python make_checkpoint.py SIZE OUT_DIR [--dtype f32|bf16] [--tokenizer DIR] [--seed 0]

Weights are normal with standard deviation 0.02, norms one: speed does not depend on what a model knows. The rows of the
embedding are those of real models of the size. `--tokenizer` names a folder with `tokenizer.json`; where it is absent, or has
more entries than the model has rows, a byte-level BPE is trained on the texts of `make_data.py`.
"""

import argparse
import json
import math
import shutil
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import make_data

END = "<|endoftext|>"
STANDARD_DEVIATION = 0.02


def shape(family, layers, hidden, inner, heads, key_value_heads, head_dim, vocab, tied=True):
    return {
        "architectures": [f"{family}ForCausalLM"],
        "model_type": family.lower(),
        "vocab_size": vocab,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": key_value_heads,
        "head_dim": head_dim,
        "max_position_embeddings": 1024,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "hidden_act": "silu",
        "tie_word_embeddings": tied,
        "attention_bias": False,
        "initializer_range": STANDARD_DEVIATION,
    }


SIZES = {
    "5m": shape("Llama", 4, 256, 688, 4, 2, 64, 8192),
    "50m": shape("Llama", 8, 512, 1408, 8, 4, 64, 50304),
    "150m": shape("Llama", 18, 768, 2048, 12, 4, 64, 50304),
    "1gb": shape("Llama", 17, 1024, 2816, 16, 8, 64, 50304),
    "qwen3-1b": shape("Qwen3", 28, 1536, 4608, 16, 8, 128, 151936),
    "qwen3-8b": shape("Qwen3", 36, 4096, 12288, 32, 8, 128, 151936, tied=False),
}


def tensors(config):
    """Name and shape of every tensor, as in transformers' checkpoints."""
    hidden, inner, head_dim = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    queries, keys = config["num_attention_heads"] * head_dim, config["num_key_value_heads"] * head_dim
    yield "model.embed_tokens.weight", (config["vocab_size"], hidden)
    for i in range(config["num_hidden_layers"]):
        at = f"model.layers.{i}."
        yield at + "input_layernorm.weight", (hidden,)
        for name, rows in [("q", queries), ("k", keys), ("v", keys)]:
            yield f"{at}self_attn.{name}_proj.weight", (rows, hidden)
        yield at + "self_attn.o_proj.weight", (hidden, queries)
        if config["model_type"] == "qwen3":
            yield at + "self_attn.q_norm.weight", (head_dim,)
            yield at + "self_attn.k_norm.weight", (head_dim,)
        yield at + "post_attention_layernorm.weight", (hidden,)
        yield at + "mlp.gate_proj.weight", (inner, hidden)
        yield at + "mlp.up_proj.weight", (inner, hidden)
        yield at + "mlp.down_proj.weight", (hidden, inner)
    yield "model.norm.weight", (hidden,)
    if not config["tie_word_embeddings"]:
        yield "lm_head.weight", (config["vocab_size"], hidden)


def write_weights(path, config, dtype, seed):
    """Writes a safetensors file without holding more than one tensor."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, dims in tensors(config):
        end = offset + math.prod(dims) * (4 if dtype == "f32" else 2)
        header[name] = {"dtype": dtype.upper(), "shape": dims, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    rng = np.random.default_rng(seed)
    beside = path.with_suffix(".partial")
    with open(beside, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, dims in tensors(config):
            if len(dims) == 1:
                values = np.ones(dims, np.float32)
            else:
                values = rng.standard_normal(dims, np.float32) * np.float32(STANDARD_DEVIATION)
            file.write((values if dtype == "f32" else rounded_to_bf16(values)).tobytes())
    beside.rename(path)


def rounded_to_bf16(values):
    """The upper halves of f32 numbers, rounded to the nearest, ties to even."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def place_tokenizer(given, vocab, out):
    """Puts a tokenizer of at most `vocab` entries into `out`."""
    tokenizer = Tokenizer.from_file(str(given / "tokenizer.json")) if given else None
    if tokenizer and tokenizer.get_vocab_size() <= vocab:
        # some files pad and truncate every text
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.save(str(out / "tokenizer.json"))
        shutil.copyfile(given / "tokenizer_config.json", out / "tokenizer_config.json")
        return
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    texts = make_data.wordings() + [f"{text} {topic}" for text, topic in make_data.examples(1, 5000)]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(out / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END, "pad_token": END}
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    config = dict(SIZES[args.size], torch_dtype={"f32": "float32", "bf16": "bfloat16"}[args.dtype])
    place_tokenizer(args.tokenizer, config["vocab_size"], args.out)
    end = Tokenizer.from_file(str(args.out / "tokenizer.json")).token_to_id(END)
    config["eos_token_id"] = end
    (args.out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    write_weights(args.out / "model.safetensors", config, args.dtype, args.seed)
    parameters = sum(math.prod(dims) for _, dims in tensors(config))
    print(json.dumps({"size": args.size, "parameters": parameters}))


if __name__ == "__main__":
    main()

"""Floating-point operations by the usual count: two for each multiply-add of a matrix product, nothing else counted.

A token passes every linear layer of the blocks: 2 N forward, 2 N for the gradient of its input, 2 N for that of the weight.
Full training does all three (6 N), LoRA the first two (4 N), and all three for the adapter's own parameters (6 N_lora). The
output head counts for the places that predict a target token alone, whatever a program computes beyond that. Attention's
products of activations are not counted, nor is padding: both are among what a program spends beyond this number.
"""

def linear_shapes(config):
    """`(in, out)` of each linear layer of a block."""
    hidden, inner, head = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    return {
        "q_proj": (hidden, queries),
        "k_proj": (hidden, keys),
        "v_proj": (hidden, keys),
        "o_proj": (queries, hidden),
        "gate_proj": (hidden, inner),
        "up_proj": (hidden, inner),
        "down_proj": (inner, hidden),
    }


def training(config, lora, tokens, targets):
    """Operations to train on `tokens` tokens, `targets` of them target tokens; `lora` is None in full training."""
    shapes, layers = linear_shapes(config), config["num_hidden_layers"]
    blocks = layers * sum(inp * out for inp, out in shapes.values())
    head = config["hidden_size"] * config["vocab_size"]
    if lora is None:
        return 6 * blocks * tokens + 6 * head * targets
    adapter = layers * sum(lora["r"] * sum(shapes[name]) for name in lora["target_modules"])
    return (4 * blocks + 6 * adapter) * tokens + 4 * head * targets

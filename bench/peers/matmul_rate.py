"""The machine's rate of matrix products at the shapes of a model's linear layers: what a program could reach at best.

    python matmul_rate.py CONFIG.json [--tokens 1280] [--dtype f32] [--device cpu] [--threads 1]

Prints GFLOP/s of torch's own `linear` and, on a CPU, of oneDNN's (torch routes f32 to MKL, bf16 to oneDNN by itself), over one
block's layers together, forward; and of a square product. Each is the best of five timed rounds.
"""

import argparse
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from flops import linear_shapes


def seconds(function, device):
    """Best time of one call."""

    def timed(calls):
        start = time.perf_counter()
        for _ in range(calls):
            function()
        if device != "cpu":
            torch.cuda.synchronize()
        return (time.perf_counter() - start) / calls

    timed(2)
    calls = max(1, int(0.3 / timed(1)))
    return min(timed(calls) for _ in range(5))


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--tokens", type=int, default=1280, help="rows of the left matrix: tokens of a batch")
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[args.dtype]
    random = lambda *shape: torch.randn(*shape, device=args.device).to(dtype)
    paths = {"torch": F.linear}
    if args.device == "cpu":
        paths["onednn"] = lambda x, w: torch.ops.mkldnn._linear_pointwise(x, w, None, "none", [], "")

    shapes = list(linear_shapes(json.loads(args.config.read_text())).values())
    operands = [(random(args.tokens, inp), random(out, inp)) for inp, out in shapes]
    block = 2 * args.tokens * sum(inp * out for inp, out in shapes)
    square = random(4096, 4096) if args.device != "cpu" else random(2048, 2048)
    result = {"tokens": args.tokens}
    for name, linear in paths.items():
        spent = sum(seconds(lambda: linear(x, w), args.device) for x, w in operands)
        result[f"{name}_gflops"] = block / spent / 1e9
        result[f"{name}_square_gflops"] = 2 * len(square) ** 3 / seconds(lambda: linear(square, square), args.device) / 1e9
    print(json.dumps(result))


if __name__ == "__main__":
    main()

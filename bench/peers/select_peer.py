"""The reference side of a selection: one wording after the other through transformers, one JSON object out.

    python select_peer.py MODEL LINES.jsonl --examples 250 [--way released|targets|length]

LINES holds every example under the first wording, then under the second, and so on. The ways:

    released  what the paper's released code does: batches of 8 in the given order, padded on the left, the logits of every
              place, the loss by the model's own `labels`, a wording's loss the mean of the means of its batches
    targets   the same batches, but only the logits that predict a target token
    length    so too, but texts of all wordings go together by length, up to a number of padded tokens a batch

For each wording: the mean over its target tokens, and where batches are in the given order the mean of batch means.
"""

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F

from peer import DTYPES, batches, encode, open_model, open_tokenizer, padded, read_lines

BATCH = 8  # the released code's


def labels_of(ids, chosen):
    """Targets stand at the end of their row; everything else counts for nothing."""
    labels = torch.full_like(ids, -100)
    for row, (sequence, start) in enumerate(chosen):
        targets = len(sequence) - start
        labels[row, -targets:] = ids[row, -targets:]
    return labels


def by_the_models_labels(model, ids, mask, labels):
    """Mean loss of a batch, from the logits of every place."""
    return model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss


def sums_at_targets(model, ids, mask, labels):
    """For each row the sum of its target tokens' losses, from the logits at the places that predict them."""
    hidden = model.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state[:, :-1]
    predicts = labels[:, 1:] != -100
    nll = F.cross_entropy(model.lm_head(hidden[predicts]).float(), labels[:, 1:][predicts], reduction="none")
    return torch.zeros(len(ids)).index_add(0, predicts.nonzero()[:, 0].cpu(), nll.cpu())


def in_given_order(args, model, tokenizer, examples):
    """One wording after the other, in batches of 8."""
    arms, padded_tokens = [], 0
    for first in range(0, len(examples), args.examples):
        means, counts = [], []
        for at in range(first, first + args.examples, BATCH):
            chosen = examples[at : min(at + BATCH, first + args.examples)]
            ids, mask = padded([ids for ids, _ in chosen], tokenizer.pad_token_id, "left", args.device)
            labels, count = labels_of(ids, chosen), sum(len(ids) - start for ids, start in chosen)
            if args.way == "released":
                means.append(by_the_models_labels(model, ids, mask, labels).item())
            else:
                means.append(sums_at_targets(model, ids, mask, labels).sum().item() / count)
            counts.append(count)
            padded_tokens += ids.numel()
        token_mean = sum(mean * count for mean, count in zip(means, counts)) / sum(counts)
        arms.append({"token_mean": token_mean, "mean_of_batch_means": sum(means) / len(means)})
    return arms, padded_tokens


def by_length(args, model, tokenizer, examples):
    """All texts together, the longest first."""
    sums, padded_tokens = [None] * len(examples), 0
    for members in batches([len(ids) for ids, _ in examples], "sorted", BATCH, args.batch_tokens):
        chosen = [examples[i] for i in members]
        ids, mask = padded([ids for ids, _ in chosen], tokenizer.pad_token_id, "left", args.device)
        padded_tokens += ids.numel()
        for i, value in zip(members, sums_at_targets(model, ids, mask, labels_of(ids, chosen)).tolist()):
            sums[i] = value
    targets = [len(ids) - start for ids, start in examples]
    wordings = [slice(at, at + args.examples) for at in range(0, len(examples), args.examples)]
    return [{"token_mean": sum(sums[wording]) / sum(targets[wording])} for wording in wordings], padded_tokens


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("lines", type=Path)
    parser.add_argument("--examples", type=int, required=True, help="lines of each wording")
    parser.add_argument("--way", choices=["released", "targets", "length"], default="released")
    parser.add_argument("--batch-tokens", type=int, default=8192, help="padded tokens a batch by length")
    parser.add_argument("--dtype", choices=DTYPES, default="f32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, tokenizer = open_model(args.model, args.dtype, args.device), open_tokenizer(args.model)
    examples = encode(tokenizer, read_lines(args.lines))
    assert len(examples) % args.examples == 0, f"{len(examples)} lines are not whole wordings of {args.examples}"
    arms, padded_tokens = (by_length if args.way == "length" else in_given_order)(args, model, tokenizer, examples)
    print(json.dumps({"arms": arms, "forward_tokens": sum(len(ids) for ids, _ in examples), "padded_tokens": padded_tokens}))


if __name__ == "__main__":
    main()

"""The reference side: transformers and PEFT, used as their documentation advises. One job a process, one JSON object out.

    python peer.py train RUN.json [--head all|targets]        full training, or LoRA where RUN.json has "lora"
    python peer.py score MODEL DATA.jsonl [--order given|sorted] [--logits all|last]
    python peer.py generate MODEL DATA.jsonl --max-new-tokens N [--order given|sorted]
    python peer.py gaps MODEL DATA.jsonl --max-new-tokens N   how near each greedy token was to another choice

Batches are padded to their longest sequence, with an attention mask; attention is SDPA; inference runs in inference mode.
The first choice of each option is the straightforward one, the others are what an expert may add. A target token is one that
ends behind the prompt, as in `sapo loss`.
"""

import argparse
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, get_cosine_schedule_with_warmup

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def open_model(directory, dtype, device):
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=DTYPES[dtype], attn_implementation="sdpa")
    return model.to(device).eval()


def open_tokenizer(directory):
    # by its file: AutoTokenizer rebuilds some tokenizers from their class and so loses parts such as the split of digits
    config = json.loads((Path(directory) / "tokenizer_config.json").read_text())
    eos = config["eos_token"]
    return PreTrainedTokenizerFast(tokenizer_file=str(Path(directory) / "tokenizer.json"), eos_token=eos, pad_token=eos)


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def encode(tokenizer, lines):
    """Token ids of prompt and completion, and the place of the first target token."""
    texts = [line["prompt"] + line["completion"] for line in lines]
    batch = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    starts = [
        next(place for place, (_, end) in enumerate(offsets) if end > len(line["prompt"]))
        for line, offsets in zip(lines, batch["offset_mapping"])
    ]
    return list(zip(batch["input_ids"], starts))


def padded(sequences, padding, side, device):
    """Ids and attention mask `[B, T]`."""
    length = max(map(len, sequences))
    ids = torch.full((len(sequences), length), padding)
    mask = torch.zeros((len(sequences), length), dtype=torch.long)
    for row, sequence in enumerate(sequences):
        places = slice(0, len(sequence)) if side == "right" else slice(length - len(sequence), length)
        ids[row, places] = torch.tensor(sequence)
        mask[row, places] = 1
    return ids.to(device), mask.to(device)


def batches(lengths, order, size, budget):
    """Places of the examples of each batch: `size` in the given order, or longest first, at most `budget` padded tokens."""
    if order == "given":
        return [list(range(at, min(at + size, len(lengths)))) for at in range(0, len(lengths), size)]
    result = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if result and (len(result[-1]) + 1) * lengths[result[-1][0]] <= budget:
            result[-1].append(i)
        else:
            result.append([i])
    return result


def train(args):
    with open(args.run) as file:
        run = json.load(file)
    torch.set_num_threads(run["threads"])
    settings, device = run["train"], run["device"]
    assert settings["micro_batch_size"] == settings["batch_size"], "this loop does not accumulate gradients"
    model = open_model(run["model"], run["dtype"], device)
    if run["lora"]:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, run["start"], is_trainable=True)
    tokenizer = open_tokenizer(run["model"])
    examples = encode(tokenizer, read_lines(run["data"]))
    with open(Path(run["start"]) / "order.json") as file:
        epochs = json.load(file)
    size = settings["batch_size"]
    steps = [epoch[at : at + size] for epoch in epochs for at in range(0, len(epoch), size)]

    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=settings["learning_rate"], weight_decay=0.0, fused=True)
    warmup = -int(-settings["warmup_ratio"] * len(steps) // 1)
    scheduler = get_cosine_schedule_with_warmup(optimizer, warmup, len(steps))
    model.train()

    rows, before = [], time.perf_counter()
    for members in steps:
        chosen = [examples[i] for i in members]
        loss = batch_loss(model, chosen, tokenizer.pad_token_id, device, args.head)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, settings["max_gradient_norm"])
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        value, now = loss.item(), time.perf_counter()
        tokens, targets = sum(len(ids) for ids, _ in chosen), sum(len(ids) - start for ids, start in chosen)
        rows.append({"loss": value, "tokens": tokens, "targets": targets, "seconds": now - before})
        before = now
    return {"steps": rows}


def batch_loss(model, chosen, padding, device, head):
    """Mean loss over the target tokens; with `head` "targets" only their places go through the output head."""
    ids, mask = padded([ids for ids, _ in chosen], padding, "right", device)
    labels = target_labels(ids, chosen)
    if head == "all":
        return model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    hidden = base.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    predicts = labels[:, 1:] != -100
    return F.cross_entropy(base.lm_head(hidden[:, :-1][predicts]).float(), labels[:, 1:][predicts])


def target_labels(ids, chosen):
    labels = torch.full_like(ids, -100)
    for row, (sequence, start) in enumerate(chosen):
        labels[row, start : len(sequence)] = ids[row, start : len(sequence)]
    return labels


@torch.inference_mode()
def score(args):
    torch.set_num_threads(args.threads)
    model, tokenizer = open_model(args.model, args.dtype, args.device), open_tokenizer(args.model)
    examples = encode(tokenizer, read_lines(args.data))
    losses = [None] * len(examples)
    for members in batches([len(ids) for ids, _ in examples], args.order, args.batch, args.batch_tokens):
        chosen = [examples[i] for i in members]
        nll = nll_of_all if args.logits == "all" else nll_of_last
        for i, values in zip(members, nll(model, chosen, tokenizer.pad_token_id, args.device)):
            losses[i] = values.mean().item()
    return {"losses": losses}


def nll_of_all(model, chosen, padding, device):
    """For each example the loss of its target tokens, from the logits of every place."""
    ids, mask = padded([ids for ids, _ in chosen], padding, "right", device)
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
    labels = target_labels(ids, chosen)[:, 1:]
    predicts = labels != -100
    nll = F.cross_entropy(logits[predicts].float(), labels[predicts], reduction="none")
    return nll.split([len(ids) - start for ids, start in chosen])


def nll_of_last(model, chosen, padding, device):
    """The same with padding on the left, so that the targets are last and `logits_to_keep` leaves the rest out."""
    ids, mask = padded([ids for ids, _ in chosen], padding, "left", device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    most = max(len(ids) - start for ids, start in chosen)
    logits = model(
        input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=most + 1
    ).logits
    return [
        F.cross_entropy(logits[row, -1 - count : -1].float(), ids[row, -count:], reduction="none")
        for row, count in enumerate(len(ids) - start for ids, start in chosen)
    ]


@torch.inference_mode()
def generate(args):
    torch.set_num_threads(args.threads)
    model, tokenizer = open_model(args.model, args.dtype, args.device), open_tokenizer(args.model)
    prompts = tokenizer([line["prompt"] for line in read_lines(args.data)], add_special_tokens=False)["input_ids"]
    answers = [None] * len(prompts)
    for members in batches([len(ids) for ids in prompts], args.order, args.batch, args.batch_tokens):
        ids, mask = padded([prompts[i] for i in members], tokenizer.pad_token_id, "left", args.device)
        out = model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=args.max_new_tokens,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
        )
        for i, answer in zip(members, out[:, ids.shape[1] :].tolist()):
            end = answer.index(tokenizer.eos_token_id) + 1 if tokenizer.eos_token_id in answer else len(answer)
            text = tokenizer.decode(answer[:end], skip_special_tokens=True, clean_up_tokenization_spaces=False)
            answers[i] = {"text": text.strip(), "tokens": end}
    return {"answers": answers}


@torch.inference_mode()
def gaps(args):
    """For each prompt alone: the text after each greedy token, and how far the second choice's logit was behind."""
    torch.set_num_threads(args.threads)
    model, tokenizer = open_model(args.model, args.dtype, args.device), open_tokenizer(args.model)
    answers = []
    for line in read_lines(args.data):
        ids = tokenizer(line["prompt"], add_special_tokens=False, return_tensors="pt")["input_ids"].to(args.device)
        out = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=args.max_new_tokens,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
            return_dict_in_generate=True,
            output_logits=True,
        )
        new = out.sequences[0, ids.shape[1] :].tolist()
        steps = []
        for place, logits in enumerate(out.logits):
            best, second = logits[0].float().topk(2).values.tolist()
            text = tokenizer.decode(new[: place + 1], skip_special_tokens=True, clean_up_tokenization_spaces=False)
            steps.append({"text": text, "gap": best - second})
        answers.append(steps)
    return {"answers": answers}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    jobs = parser.add_subparsers(required=True)
    job = jobs.add_parser("train")
    job.add_argument("run", type=Path)
    job.add_argument("--head", choices=["all", "targets"], default="all")
    job.set_defaults(job=train)
    for function in [score, generate, gaps]:
        job = jobs.add_parser(function.__name__)
        job.add_argument("model", type=Path)
        job.add_argument("data", type=Path)
        job.add_argument("--dtype", choices=DTYPES, default="f32")
        job.add_argument("--device", default="cpu")
        job.add_argument("--threads", type=int, default=1)
        job.add_argument("--order", choices=["given", "sorted"], default="given")
        job.add_argument("--batch", type=int, default=32, help="examples a batch in the given order")
        job.add_argument("--batch-tokens", type=int, default=8192, help="padded tokens a batch in sorted order")
        if function is score:
            job.add_argument("--logits", choices=["all", "last"], default="all")
        else:
            job.add_argument("--max-new-tokens", type=int, required=True)
        job.set_defaults(job=function)
    args = parser.parse_args()
    print(json.dumps(args.job(args)))


if __name__ == "__main__":
    main()

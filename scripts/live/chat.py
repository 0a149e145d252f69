#!/usr/bin/env python3
"""`sapo paraphrase --source api` against a real server program: `transformers serve`.

    just live-chat                       # PEER_PYTHON names a Python with transformers[serving], torch and tokenizers

1. records the request that `sapo paraphrase` sends;
2. teaches a tiny random Llama by heart how to answer it (no model can be downloaded in a test);
3. serves that model and asks again: the pool must hold the wording, with its origin;
4. asks once more: nothing may be paid twice.

Prints "ok" and exits with 0, prints what went wrong and exits with 1, or prints "not run" and exits with 0 where the server
program is missing.
"""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSTRUCTION = "Say whether the writer of the {text} is happy or sad."
WORDING = "Is the person who wrote the {text} happy or sad?"
ANSWER = f"<paraphrase>{WORDING}</paraphrase>"
STEPS = 150
TEMPLATE = "{% for m in messages %}<s>{{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}<a>{% endif %}"


def paraphrase(base, folder, *more):
    """Runs the command; its exit code, pool and stderr."""
    command = [ROOT / "target/release/sapo", "paraphrase", "--instruction", INSTRUCTION, "--labels", "happy,sad"]
    command += ["--source", "api", "--api-base", base, "--api-model", str(folder / "model"), "--count", "1"]
    command += ["--api-cache", str(folder / "answers"), "--max-new-tokens", "64", *more]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def recorded_message(folder):
    """What `sapo paraphrase` asks."""
    seen = []

    class Recorder(BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_error(400)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    paraphrase(f"http://127.0.0.1:{server.server_port}/v1", folder)
    server.shutdown()
    return seen[0]["messages"][0]["content"]


def teach(message, folder):
    """A checkpoint that answers the message with ANSWER."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=["</s>", "<s>", "<a>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    bpe.train_from_iterator([message, ANSWER], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="</s>", pad_token="</s>")
    tokenizer.chat_template = TEMPLATE

    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
                         num_attention_heads=4, max_position_embeddings=2048, eos_token_id=0, pad_token_id=0, bos_token_id=1)
    model = LlamaForCausalLM(config)
    chat = [{"role": "user", "content": message}]
    prompt = tokenizer(tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)).input_ids
    answer = tokenizer(ANSWER).input_ids + [0]
    ids = torch.tensor([prompt + answer])
    labels = torch.tensor([[-100] * len(prompt) + answer])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(STEPS):
        loss = model(ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return loss.item()


def serve(folder, port):
    """The server's process, when it answers."""
    program = Path(sys.executable).with_name("transformers")
    command = [program, "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu", str(folder)]
    log = open(folder.parent / "server.log", "w")
    server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    for _ in range(240):
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
            return server
        except OSError:
            time.sleep(0.5)
    server.kill()
    raise SystemExit(f"transformers serve did not start:\n{(folder.parent / 'server.log').read_text()[-3000:]}")


def main():
    missing = [name for name in ("transformers", "fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        return print(f"not run: this Python has no {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        loss = teach(recorded_message(folder), folder / "model")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = serve(folder / "model", port)
        try:
            base = f"http://127.0.0.1:{port}/v1"
            code, pool, said = paraphrase(base, folder, "--temperature", "0.1")
            assert code == 0, f"exit code {code}: {said}\n{(folder / 'server.log').read_text()[-3000:]}"
            found = pool["variants"][1]
            assert found["text"] == WORDING, found
            assert found["origin"]["source"] == "api" and found["origin"]["request"], found
            code, again, said = paraphrase(base, folder, "--temperature", "0.1")
            assert code == 0 and again == pool and " 0 calls" in said, said
        finally:
            server.kill()
    print(f"ok: transformers serve gave the wording that it was taught (loss {loss:.1e}); asked again, nothing was paid")


if __name__ == "__main__":
    main()

"""The random weights have the shape that their configuration says."""

import json
import struct
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import random_weights

QWEN3 = {
    "model_type": "qwen3", "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 3, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 6, "vocab_size": 10, "tie_word_embeddings": False,
}


def read(path):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__")
    return header, raw[8 + length :]


def number(two_bytes):
    return struct.unpack("<f", b"\0\0" + two_bytes)[0]


class RandomWeights(unittest.TestCase):
    def make(self, config, *arguments):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        folder = Path(temporary.name)
        (folder / "config.json").write_text(json.dumps(config))
        random_weights.main([str(folder), *arguments])
        index = json.loads((folder / "model.safetensors.index.json").read_text())
        return folder, index

    def test_every_tensor_is_there_once_and_as_large_as_it_says(self):
        folder, index = self.make(QWEN3)
        # embeddings twice; per layer two norms of 8, two of 6, q 12x8, k and v 6x8, o 8x12, three of 8x12; a norm
        self.assertEqual(index["metadata"]["total_size"], 2 * (2 * 80 + 3 * (16 + 12 + 96 + 96 + 96 + 3 * 96) + 8))
        seen = {}
        for name in set(index["weight_map"].values()):
            header, data = read(folder / name)
            self.assertEqual(max(entry["data_offsets"][1] for entry in header.values()), len(data))
            for tensor, entry in header.items():
                begin, end = entry["data_offsets"]
                self.assertEqual(end - begin, 2 * random_weights.numbers(entry["shape"]))
                seen[tensor] = [number(data[at : at + 2]) for at in range(begin, end, 2)]
        self.assertEqual(seen.keys(), index["weight_map"].keys())
        self.assertEqual(set(seen["model.norm.weight"]), {1.0})
        weights = seen["model.layers.2.mlp.up_proj.weight"]
        self.assertTrue(all(1 / 64 <= abs(weight) < 1 / 32 for weight in weights))
        self.assertTrue(any(weight < 0 for weight in weights) and any(weight > 0 for weight in weights))

    def test_fewer_layers_are_written_into_the_configuration(self):
        folder, index = self.make(QWEN3, "--layers", "1")
        self.assertEqual(json.loads((folder / "config.json").read_text())["num_hidden_layers"], 1)
        self.assertNotIn("model.layers.1.mlp.up_proj.weight", index["weight_map"])

    def test_other_families_are_refused(self):
        with self.assertRaisesRegex(SystemExit, "expected model_type llama or qwen3, got mamba"):
            self.make(QWEN3 | {"model_type": "mamba"})


if __name__ == "__main__":
    unittest.main()

"""Tests of what the side-by-side runs decide by themselves: when two sides agree, what a token costs, what a ratio is."""

import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench/peers"))

import flops  # noqa: E402
import make_data  # noqa: E402
import measure  # noqa: E402
import tasks  # noqa: E402

TINY = {
    "hidden_size": 4,
    "intermediate_size": 6,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 2,
    "vocab_size": 10,
}
BLOCK = 4 * 4 + 2 * 4 * 2 + 4 * 4 + 3 * 4 * 6  # q, k and v, o, and the three of the feed-forward layer


class Agreement(unittest.TestCase):
    def test_losses_are_compared_one_by_one(self):
        self.assertAlmostEqual(tasks.loss_differences([1.0, 2.0], [1.0, 2.25]), 0.25)
        with self.assertRaises(AssertionError):
            tasks.loss_differences([1.0, 2.0], [1.0])

    def test_equal_answers_need_no_second_look(self):
        answers = [["Film", 2], ["Album", 2]]
        self.assertEqual(tasks.answer_differences(answers, answers, self.fail), 0.0)

    def test_an_answer_may_part_at_a_near_tie_alone(self):
        steps = [{"text": " Office", "gap": 3.0}, {"text": " Office Holder", "gap": 0.5}, {"text": " Office Holder", "gap": 9.0}]
        asked = []

        def gaps(rows):
            asked.extend(rows)
            return [steps]

        theirs, ours = [["Film", 2], ["Office Holder", 3]], [["Film", 2], ["Office", 2]]
        self.assertEqual(tasks.answer_differences(theirs, ours, gaps), 0.5)
        self.assertEqual(asked, [1])

    def test_where_the_peer_alone_agrees_with_us_its_nearest_choice_counts(self):
        self.assertEqual(tasks.gap_of([{"text": "Fi", "gap": 2.0}, {"text": "Film", "gap": 1.0}], "Film"), 1.0)


class Counts(unittest.TestCase):
    def test_full_training_costs_six_operations_a_weight_and_token(self):
        self.assertEqual(flops.training(TINY, None, tokens=3, targets=0), 6 * 2 * BLOCK * 3)
        self.assertEqual(flops.training(TINY, None, tokens=0, targets=5), 6 * 40 * 5)

    def test_lora_needs_no_gradient_of_a_frozen_weight(self):
        lora = {"r": 3, "target_modules": ["q_proj", "v_proj"]}
        adapter = 2 * 3 * ((4 + 4) + (4 + 2))
        self.assertEqual(flops.training(TINY, lora, tokens=1, targets=0), 4 * 2 * BLOCK + 6 * adapter)


class Data(unittest.TestCase):
    def test_there_are_21_wordings_and_the_seed_decides_the_examples(self):
        self.assertEqual(len(set(make_data.wordings())), 21)
        self.assertEqual(list(make_data.examples(3, 5)), list(make_data.examples(3, 5)))
        self.assertNotEqual(list(make_data.examples(3, 5)), list(make_data.examples(4, 5)))


class Measuring(unittest.TestCase):
    def test_a_process_is_charged_what_it_used(self):
        code = "held = bytearray(200 * 10**6); print('done')"
        cost = measure.run([sys.executable, "-c", code], threads=1)
        self.assertEqual(cost["stdout"], "done\n")
        self.assertGreater(cost["peak_mb"], 200)
        self.assertLess(cost["peak_mb"], 400)
        self.assertGreater(cost["wall_seconds"], 0)

    def test_a_process_that_fails_ends_the_run_with_its_message(self):
        with self.assertRaisesRegex(SystemExit, "ended with 3:\nno such thing"):
            measure.run([sys.executable, "-c", "import sys; print('no such thing', file=sys.stderr); sys.exit(3)"], threads=1)

    def test_on_a_gpu_memory_beyond_the_start_counts(self):
        with tempfile.TemporaryDirectory() as folder:
            smi = Path(folder) / "nvidia-smi"
            smi.write_text(f'#!/bin/sh\ncat "{folder}/used"\n')
            smi.chmod(0o755)
            (Path(folder) / "used").write_text("500\n")
            code = f"import time; open('{folder}/used', 'w').write('1500\\n'); time.sleep(1)"
            with mock.patch.dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}"):
                cost = measure.run([sys.executable, "-c", code], threads=1, device="cuda")
        self.assertAlmostEqual(cost["peak_mb"], 1000 * 2**20 / 1e6)


if __name__ == "__main__":
    unittest.main()

"""Tests of what the side-by-side selection decides by itself: which texts are read, who won, how far behind, what a share is."""

import json
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench/peers"))

import report_selection  # noqa: E402
import selection  # noqa: E402
import superni  # noqa: E402


class Words:
    """A tokenizer whose tokens are words, each with the space before it."""

    def encode(self, text, add_special_tokens=True):
        offsets, start = [], 0
        for place, letter in enumerate(text):
            if letter == " " and place > start:
                offsets.append((start, place))
                start = place
        if start < len(text):
            offsets.append((start, len(text)))
        return SimpleNamespace(ids=offsets, offsets=offsets)

    def encode_batch(self, texts, add_special_tokens=True):
        return [self.encode(text) for text in texts]


def form(limit):
    return superni.Form(Words(), limit, eos_token=" <end>")


class Texts(unittest.TestCase):
    def test_without_a_template_the_answer_stands_on_a_line_of_its_own(self):
        prompt = superni.layout("Say it.", "a film", "Answer A or B.")
        self.assertEqual(prompt, "Say it.\n\nText:\na film\n\nAnswer A or B.")
        self.assertEqual(form(9).pair(prompt, "A"), (prompt + "\n", "A <end>"))

    def test_a_template_gives_what_stands_before_and_after_the_answer(self):
        def render(messages, add_generation_prompt, **tokens):
            self.assertFalse(tokens["enable_thinking"])
            turns = [f"<{message['role']}>{message['content']}" for message in messages]
            return "".join(turns) + ("<assistant>" if add_generation_prompt else tokens["eos_token"])

        chat = superni.Form(Words(), 9, SimpleNamespace(render=render), eos_token="<end>")
        self.assertEqual(chat.pair("why", "so"), ("<user>why<assistant>", "so<end>"))

    def test_an_input_is_cut_no_further_than_the_longest_wording_needs(self):
        wordings, text = ["short", "a wording of many words"], "one two three four five six"
        lengths = lambda limit, cut: max(form(limit).lengths(form(limit).pair(superni.layout(w, cut, "Go"), "yes") for w in wordings))
        whole = lengths(99, text)
        self.assertEqual(form(whole).fitted(wordings, text, "yes", "Go"), text)
        cut = form(whole - 2).fitted(wordings, text, "yes", "Go")
        self.assertEqual(cut, "one two three four")
        self.assertEqual(lengths(99, cut), whole - 2)

    def test_a_wording_that_leaves_no_room_is_refused(self):
        with self.assertRaisesRegex(SystemExit, "no room"):
            form(4).fitted(["a wording of many words"], "one two", "yes", "Go")

    def test_a_task_is_found_by_its_whole_number(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            entry = {"instruction": "Do.", "suffix": "Go.", "labels": []}
            (folder / "instructions.json").write_text(json.dumps({"task002_b": entry, "task024_a": entry, "task0021_c": entry}))
            (folder / "task002_b").mkdir()
            (folder / "task002_b/train.json").write_text('[{"sentence": "x", "label": "y"}]')
            self.assertEqual(superni.SuperniTask.read(folder, "2").rows, [("x", "y")])
            with self.assertRaisesRegex(SystemExit, "number 3"):
                superni.SuperniTask.read(folder, "3")


class Reading(unittest.TestCase):
    IDS = ["original", "p01"]

    def read(self, *objects):
        return selection.read_job("\n".join(json.dumps(value, separators=(",", ":")) for value in objects), self.IDS, 2)

    def test_every_token_of_a_wording_counts_the_same(self):
        losses = [(1.0, 1), (4.0, 2), (2.0, 1), (3.0, 1)]
        lines = [{"index": i, "loss": loss, "tokens": tokens} for i, (loss, tokens) in enumerate(losses)]
        result = self.read(*lines, {"summary": {}})["result"]
        self.assertEqual(result, {"means": {"original": 3.0, "p01": 2.5}, "winner": "p01"})
        with self.assertRaises(AssertionError):
            self.read(*lines[:3], {"summary": {}})

    def test_the_released_way_may_have_two_winners(self):
        arms = [{"token_mean": 1.0, "mean_of_batch_means": 2.0}, {"token_mean": 1.5, "mean_of_batch_means": 1.5}]
        result = self.read({"arms": arms, "forward_tokens": 9, "padded_tokens": 11})["result"]
        self.assertEqual((result["winner"], result["winner_by_batch_means"]), ("original", "p01"))

    def test_a_wording_that_a_race_gave_up_has_no_mean_to_compare(self):
        arms = [{"id": "original", "mean": 1.0, "examples": 1}, {"id": "p01", "mean": 1.5, "examples": 2}]
        read = self.read({"winner": "p01", "arms": arms, "forward_tokens": 5, "seconds": 0.5, "promise": "none"})
        self.assertEqual(read["result"]["means"], {"p01": 1.5})
        self.assertEqual((read["forward_tokens"], read["result"]["winner"]), (5, "p01"))

    def test_training_takes_the_sum_of_its_steps(self):
        steps = [{"loss": 1.0, "tokens": 3, "seconds": 0.25}, {"loss": 1.0, "tokens": 4, "seconds": 0.5}]
        self.assertEqual(self.read({"steps": steps}), {"work_seconds": 0.75, "trained_tokens": 7, "result": None})


class Winners(unittest.TestCase):
    def test_a_mean_that_is_missing_is_an_error(self):
        ours = {"means": {"a": 1.0, "b": 2.25}}
        self.assertAlmostEqual(selection.mean_differences({"means": {"a": 1.0, "b": 2.0}}, ours), 0.25)
        with self.assertRaises(AssertionError):
            selection.mean_differences({"means": {"a": 1.0, "b": 2.0}}, {"means": {"a": 1.0}})

    def test_every_winner_is_measured_by_the_peers_losses(self):
        peer = {"means": {"a": 1.0, "b": 1.25, "c": 3.0}, "winner": "a", "winner_by_batch_means": "c"}
        ours = {"means": {"b": 0.5}, "winner": "b", "promise": "none"}
        found = selection.winners({"peer": peer, "sapo": ours, "training": None})
        self.assertEqual((found["spread"], found["second_behind"]), (2.0, 0.25))
        self.assertEqual(found["stages"]["peer"]["batch_means_behind"], 2.0)
        self.assertEqual(found["stages"]["sapo"], {"winner": "b", "behind": 0.25, "promise": "none"})
        self.assertNotIn("training", found["stages"])

    def test_behind_by_less_than_two_sides_differ_is_not_behind(self):
        self.assertEqual(report_selection.behind(2e-5, noise=1e-5), "")
        self.assertEqual(report_selection.behind(2.1e-3, noise=1e-5), " (0.0021 nats behind)")


class Tables(unittest.TestCase):
    ENTRY = {
        "superni_task": "task363_sst2",
        "training_rows": 1000,
        "measured": {
            "peer": [{"work_seconds": 20.0}, {"work_seconds": 90.0}],
            "sapo": [{"work_seconds": 2.0}, {"work_seconds": 3.0}],
            "sapo, shared prefix": [{"work_seconds": 4.0}, {"work_seconds": 6.0}],
            "training": [{"work_seconds": 10.0}, {"work_seconds": 30.0}],
        },
    }

    def test_a_ratio_is_formed_within_a_round(self):
        self.assertEqual(report_selection.times(self.ENTRY, "sapo"), {"least": 10.0, "median": 20.0, "largest": 30.0})

    def test_the_share_is_of_the_epochs_that_are_trained(self):
        row = report_selection.shares([self.ENTRY]).splitlines()[2]
        # of 10 epochs 2 / 100 and 3 / 300, median 1.5 %
        self.assertIn("| 1.5 % | 2 % met | 3.0 % | 5.0 % | 10.0 % |", row)


if __name__ == "__main__":
    unittest.main()

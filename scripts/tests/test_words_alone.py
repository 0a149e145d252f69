"""What words alone decide."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import words_alone


def write(folder: Path, split: str, rows: list[tuple[str, str]]) -> None:
    folder.mkdir(exist_ok=True)
    text = json.dumps([{"sentence": sentence, "label": label} for sentence, label in rows])
    (folder / f"{split}.json").write_text(text)


class WordsAlone(unittest.TestCase):
    def test_words_that_decide_are_found_and_a_task_without_training_rows_takes_its_dev_rows(self):
        praise, blame = [(f"what a fine day {i}", "up") for i in range(9)], [(f"a bad day {i}", "down") for i in range(9)]
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder) / "mood", "dev", praise + blame)
            write(Path(folder) / "mood", "test", [("a fine one", "up"), ("how bad", "down"), ("Bad!", "down")])
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                words_alone.main([folder, "mood"])
        self.assertEqual(printed.getvalue().splitlines()[-1], "| mood | 18 | 100.0 | 66.7 |")

    def test_a_word_that_was_never_seen_leaves_the_commonest_label(self):
        model = words_alone.NaiveBayes([({"a"}, "x"), ({"b"}, "x"), ({"c"}, "y")])
        self.assertEqual(model.answer({"unknown"}), "x")
        self.assertEqual(words_alone.features("No, no GO!"), {"no", "go", "!", "no no", "no go", "go !"})


if __name__ == "__main__":
    unittest.main()

import html

import polars as pl
from IPython.display import Image


class Show:
    """A table for readers: four significant digits, an estimate and its interval in one column, 200 rows at most."""

    def __init__(self, frame):
        self.rows = frame.height
        self.words = {name for name in frame.columns if frame.schema[name] == pl.String}
        intervals = {name for name in frame.columns if {f"{name}_low", f"{name}_high"} <= set(frame.columns)}
        ends = {f"{name}{end}" for name in intervals for end in ("_low", "_high")}
        self.head = [name for name in frame.columns if name not in ends]
        shown = frame.head(200).iter_rows(named=True)
        self.body = [[self.cell(row, name, name in intervals) for name in self.head] for row in shown]

    @staticmethod
    def cell(row, name, interval):
        value = row[name]
        if value is None:
            return "n/a"
        if not isinstance(value, float):
            return str(value)
        if not interval:
            return f"{value:.4g}"
        return f"{value:.4g} [{row[name + '_low']:.4g}, {row[name + '_high']:.4g}]"

    def note(self):
        return f"the first {len(self.body)} of {self.rows} rows" if self.rows > len(self.body) else ""

    def __repr__(self):
        columns = list(zip(self.head, *self.body))
        widths = [max(map(len, column)) for column in columns]
        sides = [str.ljust if name in self.words else str.rjust for name in self.head]
        lines = [
            "  ".join(side(cell, width) for cell, side, width in zip(row, sides, widths)).rstrip()
            for row in [self.head, *self.body]
        ]
        return "\n".join(lines + [self.note()] * bool(self.note()))

    def _repr_html_(self):
        def row(cells, tag):
            sides = ["left" if name in self.words else "right" for name in self.head]
            cells = [f'<{tag} style="text-align: {side}">{html.escape(cell)}</{tag}>' for cell, side in zip(cells, sides)]
            return f"<tr>{''.join(cells)}</tr>\n"

        head, body = row(self.head, "th"), "".join(row(cells, "td") for cells in self.body)
        note = f"\n<p>{self.note()}</p>" if self.note() else ""
        return f"<table>\n<thead>\n{head}</thead>\n<tbody>\n{body}</tbody>\n</table>{note}"

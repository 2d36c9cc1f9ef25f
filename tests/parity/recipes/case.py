"""One model of a library, trained, saved as its users save it, with rows and what the library predicts for them."""

import csv
import dataclasses
import gzip
import json
import pathlib
import typing


def text(value):
    """Nine digits give the float32 back."""
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else f"{float(value):.9g}"


def write_csv(path, heading, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heading)
        writer.writerows([text(value) for value in row] for row in rows)


@dataclasses.dataclass
class Case:
    name: str
    library: str            # with its version
    architecture: str       # as mmoe-inspect is to show it
    weights: str            # file name, as the library's users would choose it
    save: typing.Callable   # save(path) writes the weights
    settings: dict          # for mmoe-convert; None: none are needed
    tasks: list             # names, in the order of the scores
    heading: list           # of the raw rows
    rows: list
    scores: typing.Any      # [rows, tasks]
    recipe: str = None      # for --recipe; None: recognised
    files: dict = dataclasses.field(default_factory=dict)  # the library's own, by name: text

    def write(self, folder):
        """Into a folder of the case's name; returns its entry for index.json."""
        place = pathlib.Path(folder) / self.name
        place.mkdir(parents=True, exist_ok=True)
        self.save(str(place / self.weights))
        packed = place / (self.weights + ".gz")
        packed.write_bytes(gzip.compress((place / self.weights).read_bytes(), mtime=0))  # HDF5 and zip are mostly padding
        (place / self.weights).unlink()
        if self.settings is not None:
            (place / "settings.json").write_text(json.dumps(self.settings, indent=1) + "\n")
        for name, content in self.files.items():
            (place / name).write_text(content)
        scores = [list(map(float, row)) for row in self.scores]
        assert len(scores) == len(self.rows) and all(len(row) == len(self.tasks) for row in scores), self.name
        for task in range(len(self.tasks)):
            column = [row[task] for row in scores]
            assert max(column) - min(column) > 1e-3, f"{self.name}: the scores hardly differ: nothing is tested"
        write_csv(place / "rows.csv", self.heading, self.rows)
        write_csv(place / "scores.csv", self.tasks, scores)
        return {"library": self.library, "architecture": self.architecture, "weights": self.weights,
                "settings": "settings.json" if self.settings is not None else None, "recipe": self.recipe}

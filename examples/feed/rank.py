"""Requests of one user with many candidates, ranked by the runtime; what the shown are worth.

A stand-in for the paper's live experiment: there users decided, here the simulator knows the
expected engagement and satisfaction of every candidate.
"""

import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import metrics, runtime  # noqa: E402
import simulate  # noqa: E402

SHOWN = 10
# The share of satisfaction in the score that is ranked by.
WEIGHTS = [0.0, 0.25, 0.5, 0.75, 1.0]
USER_SIDE = [*simulate.USER_IDS, *simulate.USER_DENSE, *simulate.CONTEXT_DENSE]
ITEM_SIDE = [*simulate.ITEM_IDS, *simulate.ITEM_DENSE]
COLUMNS = [*simulate.SPARSE, *simulate.DENSE]


def write_rows(path, rows, columns=None, only=slice(None)):
    """Raw features as CSV: ids, and floats with the nine digits that name a float32 exactly."""
    columns = columns or COLUMNS
    table = np.hstack([rows.ids[only].astype(np.float64), rows.dense[only].astype(np.float64)])
    chosen = [COLUMNS.index(name) for name in columns]
    formats = ["%d" if name in simulate.SPARSE else "%.9g" for name in columns]
    np.savetxt(path, table[:, chosen], fmt=formats, delimiter=",", header=",".join(columns),
               comments="")
    return pathlib.Path(path)


class Requests:
    """Requests behind each other, of `candidates` rows each: simulate.World.requests draws them."""

    def __init__(self, rows, candidates, folder):
        self.rows, self.candidates = rows, candidates
        self.file = write_rows(folder / "requests.csv", rows)
        self.parts = []
        for first in range(0, len(rows), candidates):
            user, items = folder / f"user{first}.csv", folder / f"items{first}.csv"
            write_rows(user, rows, USER_SIDE, slice(first, first + 1))
            write_rows(items, rows, ITEM_SIDE, slice(first, first + candidates))
            self.parts.append((user, items))

    def score(self, files):
        """float32 [rows, 2], a request at a time by `mmoe-score --user`: the bits of whole rows."""
        by_request = np.hstack([np.vstack([runtime.score(file, items, "--user", user)
                                           for user, items in self.parts]) for file in files])
        whole = np.hstack([runtime.score(file, self.file) for file in files])
        if not np.array_equal(by_request.view(np.uint32), whole.view(np.uint32)):
            raise metrics.Disagreement(
                "one user and many candidates: not the bits of whole rows")
        return by_request

    def shown(self, ranked_by):
        """Mean expected engagement and rating of each request's first SHOWN. ranked_by: [rows]."""
        by_request = ranked_by.reshape(-1, self.candidates)
        order = np.argsort(-by_request, axis=1, kind="stable")[:, :SHOWN]
        expected = self.rows.expected.reshape(-1, self.candidates, 2)
        return np.take_along_axis(expected, order[:, :, None], axis=1).mean((0, 1)).tolist()

    def by_weight(self, scores, spread):
        """{weight: shown()} of scores [rows, 2], added in units of the labels' spread."""
        units = scores.astype(np.float64) / spread
        return {str(w): self.shown((1 - w) * units[:, 0] + w * units[:, 1]) for w in WEIGHTS}

    def rank_all(self, files, spread):
        return self.by_weight(self.score(files), spread)

    def rank_by_truth(self, spread):
        """What the simulator's own expectations would show, and a random choice."""
        return {**self.by_weight(self.rows.expected, spread),
                "random": self.rows.expected.mean(0).tolist()}

"""Whether the paper's orderings come out: differences of runs on the same data, with intervals."""

import numpy as np

from experiment import figures, tables

RESAMPLES = 10_000
# The paper has the first's loss above the second's.
PAIRS = [("shared_bottom", "omoe"), ("shared_bottom", "mmoe"), ("omoe", "mmoe")]


def mean(losses):
    return losses.mean(-1)


def deviation(losses):
    return losses.std(-1, ddof=1)


def quartile_range(losses):
    low, high = np.quantile(losses, [0.25, 0.75], axis=-1)
    return high - low


STATISTICS = {"mean loss": mean, "standard deviation": deviation,
              "inter-quartile range": quartile_range}


class Bootstrap:
    """Resampled run numbers, the same for all that is compared: paired, as the runs' data are."""

    def __init__(self, finals):
        self.finals = finals
        generator = np.random.default_rng(0)
        sizes = {len(losses) for found in finals.values() for losses in found.values()}
        self.numbers = {size: generator.integers(size, size=(RESAMPLES, size))
                        for size in sorted(sizes)}

    def difference(self, statistic, cosine, pair, runs):
        """Of a pair's statistics over runs 0 ... runs: the value, and the resampled values."""
        a, b = (self.finals[cosine][name][:runs] for name in pair)
        numbers = self.numbers[runs]
        return statistic(a) - statistic(b), statistic(a[numbers]) - statistic(b[numbers])

    def between(self, statistic, cosine, pair):
        return self.difference(statistic, cosine, pair, len(self.finals[cosine][pair[0]]))

    def shrinking(self, pair, near, far):
        """By how much the mean loss's gap of a pair is greater at cosine `near` than at `far`."""
        runs = min(len(self.finals[cosine][pair[0]]) for cosine in (near, far))
        a, b = (self.difference(mean, cosine, pair, runs) for cosine in (near, far))
        return a[0] - b[0], a[1] - b[1]

    def decline(self, name, near, far):
        """By how much an architecture's mean loss is greater at cosine `near` than at `far`."""
        runs = min(len(self.finals[cosine][name]) for cosine in (near, far))
        a, b = (self.finals[cosine][name][:runs] for cosine in (near, far))
        numbers = self.numbers[runs]
        return mean(a) - mean(b), mean(a[numbers]) - mean(b[numbers])


def row(claim, value, resampled):
    """verdict: of the 95 % interval of a difference that the paper has above 0."""
    low, high = np.quantile(resampled, [0.025, 0.975])
    verdict = "yes" if low > 0 else "no, the opposite" if high < 0 else "undecided"
    return [claim, float(value), float(low), float(high), verdict]


def rows(finals):
    bootstrap = Bootstrap(finals)
    labels = figures.LABELS
    cosines = list(finals)
    found = []
    for title, statistic in STATISTICS.items():
        for cosine in cosines:
            for pair in PAIRS:
                if statistic is not mean and pair[0] != "shared_bottom":
                    continue
                claim = f"{title} at {cosine}: {labels[pair[0]]} above {labels[pair[1]]}"
                found.append(row(claim, *bootstrap.between(statistic, cosine, pair)))
    near, far = cosines[0], cosines[-1]
    for a, b in PAIRS:
        claim = f"gap of {labels[a]} to {labels[b]}: greater at {near} than at {far}"
        found.append(row(claim, *bootstrap.shrinking((a, b), near, far)))
    for name in ("shared_bottom", "omoe", "mmoe"):
        claim = f"mean loss of {labels[name]}: greater at {near} than at {far}"
        found.append(row(claim, *bootstrap.decline(name, near, far)))
    return found


def write(finals, out):
    header = ["claim", "difference", "low_95", "high_95", "comes_out"]
    found = rows(finals)
    tables.write_csv(out / "orderings.csv", header, found)
    print(tables.markdown(header, tables.rounded(found)))

"""One look for all pictures, and files that are the same bytes for the same numbers."""

import pathlib

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend is chosen before)

from .tables import LABELS  # noqa: E402,F401  (the names that legends show)

# Okabe and Ito's palette, which is told apart by colour-blind readers.
COLOURS = {"shared_bottom": "#D55E00", "omoe": "#0072B2", "mmoe": "#009E73", "other": "#CC79A7"}

plt.rcParams.update({
    "svg.hashsalt": "mmoe-edge", "svg.fonttype": "path", "figure.dpi": 100, "font.size": 9,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3,
    "legend.frameon": False})


def save(figure, path):
    """As SVG, without the date."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)
    print(f"wrote {path}")

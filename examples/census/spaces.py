"""The architectures of the comparison and what the search may choose for each of them."""

ARCHITECTURES = ["single_task", "shared_bottom", "l2_constrained", "cross_stitch",
                 "tensor_factorisation", "omoe", "mmoe", "ple"]

# Every trial trains all of these side by side.
LEARNING_RATES = [3e-3, 1e-2, 3e-2]


def suggest_decay(trial):
    """Weight decay, for all architectures from the same range."""
    return trial.suggest_float("weight_decay", 0.01, 1.0, log=True)


def suggest_config(trial, architecture, cap):
    """What experiment.family makes. trial: of optuna; cap: of the hidden units of a layer.

    Networks side by side (of tasks, or experts) share a layer's units; towers do not count.
    """
    units = trial.suggest_categorical("units", [cap // 4, cap // 2, cap])
    layers = trial.suggest_int("layers", 1, 2)
    tower = trial.suggest_categorical("tower", [8, 16, 32])
    parts, own = OWN_CHOICES[architecture](trial)
    width = units // parts
    # Layers get narrower, as a rule of thumb.
    hidden = [width] if layers == 1 else [width, max(4, width // 2)]
    return {"architecture": architecture, "hidden": hidden, "tower": [tower], **own}


def nothing(_trial):
    return 1, {}


def l2_constrained(trial):
    return 2, {"penalty": trial.suggest_float("penalty", 1e-5, 1e-1, log=True)}


def cross_stitch(trial):
    return 2, {"stitch": trial.suggest_categorical("stitch", [0.5, 0.7, 0.9, 0.99])}


def tensor_factorisation(trial):
    ranks = [trial.suggest_categorical("output_rank", [4, 8, 16, 32]),
             trial.suggest_categorical("input_rank", [8, 16, 32, 64]),
             trial.suggest_int("task_rank", 1, 2)]
    return 2, {"ranks": ranks}


def mixture(trial):
    experts = trial.suggest_categorical("experts", [4, 8])
    return experts, {"experts": experts}


def ple(trial):
    specific = trial.suggest_int("specific", 1, 3)
    shared = trial.suggest_int("shared", 1, 3)
    levels = trial.suggest_int("levels", 1, 2)
    return 2 * specific + shared, {"specific": specific, "shared": shared, "levels": levels}


# Each gives the number of networks side by side, and the further keys of a config.
OWN_CHOICES = {"single_task": nothing, "shared_bottom": nothing, "l2_constrained": l2_constrained,
               "cross_stitch": cross_stitch, "tensor_factorisation": tensor_factorisation,
               "omoe": mixture, "mmoe": mixture, "ple": ple}

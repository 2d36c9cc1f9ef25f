"""Trained models, each with the scores of the framework that trained it: what is converted must score the same."""

from support import Wrong, read_table, require, require_equal, require_refusal

# By name, the words of which a refusal must have one, where a refusal is right too. A wrong score never is.
REFUSAL_IS_RIGHT = {
    "accepted-onnx-dropout-training": ("training",),
    "wrong-description-forgets-norms": ("ignore", "not used"),
    "wrong-keras-epsilon": ("epsilon",),
    "wrong-onnx-softmax-opset11-default-axis": ("axis", "softmax"),
    "wrong-recipe-norm-order": ("description", "recipe"),
    "wrong-recipe-unused-layer": ("numerical_layer",),
}

# What follows the weights on the command line, where it is not the folder's description.
SETTINGS = {
    "wrong-recipe-norm-order": '{"activation": "relu", "features": []}',
    "wrong-recipe-unused-layer": '{"activation": "relu", "features": []}',
}


def the_file(case, *names):
    for name in names:
        if case.input(name).exists():
            return case.input(name)
    raise Wrong(f"the case has none of {', '.join(names)}")


def command(case):
    words = [the_file(case, "model.onnx", "model.keras", "weights.pt")]
    if case.folder.name in SETTINGS:
        words.append(SETTINGS[case.folder.name])
    elif case.input("description.json").exists():
        words.append(case.input("description.json"))
    return words


def check_model(case):
    name = case.folder.name
    rows, expected = the_file(case, "rows.npy", "rows.csv"), case.input("expected.csv")
    done = case.convert(*command(case))
    if done.code != 0 and name in REFUSAL_IS_RIGHT:
        return require_refusal(done, *REFUSAL_IS_RIGHT[name])
    require(done.code == 0, "not converted: " + done.summary())
    equal = require_equal(case.scores(case.output(), rows), read_table(expected))
    if name.startswith("accepted-"):
        require("training" in done.text, "converted without a word of training mode")
    if name.startswith("expect-"):
        case.converted(*command(case), "--rows", rows, "--expect", expected, output=case.output("expected.mmoe"))
    return equal


def checks(folder):
    return {path.name: check_model for path in folder.iterdir() if path.is_dir()}

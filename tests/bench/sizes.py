"""The four models of the comparison: sizes and descriptions. Standard library only."""

# name: inputs, experts, widths of an expert's layers, tasks, widths of a tower's hidden layers
SIZES = {
    "paper": (100, 8, [16], 2, [8]),
    "small": (128, 4, [64, 32], 2, [16]),
    "medium": (512, 8, [256, 128], 3, [64]),
    "large": (1024, 16, [512, 256], 4, [128, 64]),
}


def description(name):
    _, _, _, num_tasks, _ = SIZES[name]
    return {
        "mmoe_description": 1,
        "name": name,
        "levels": [{"experts": {"layers": "experts.{expert}.{layer}", "activation": "relu"},
                    "gates": {"logits": "gates.{task}"}}],
        "towers": {"layers": "towers.{task}.{layer}", "activation": "relu"},
        "tasks": [{"name": f"task{t}", "link": "sigmoid"} for t in range(num_tasks)],
    }

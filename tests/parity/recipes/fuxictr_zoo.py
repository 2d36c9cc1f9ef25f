"""Models of FuxiCTR's model zoo, which is in its repository only."""

import importlib.util


def load(root, folder, model):
    spec = importlib.util.spec_from_file_location("fuxictr_model", root / f"model_zoo/{folder}/src/{model}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, model)

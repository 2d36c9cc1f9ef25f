"""Modules of PyTorch: from the module to equal scores."""

import numpy
import pytest

import models

import mmoe

torch = pytest.importorskip("torch")
pytest.importorskip("mmoe._convert")


def stack(*sizes):
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers)


class Mmoe(torch.nn.Module):
    def __init__(self, inputs=24, num_experts=4, num_tasks=2):
        super().__init__()
        self.experts = torch.nn.ModuleList(stack(inputs, 16, 8) for _ in range(num_experts))
        self.gates = torch.nn.ModuleList(torch.nn.Sequential(torch.nn.Linear(inputs, num_experts)) for _ in range(num_tasks))
        self.towers = torch.nn.ModuleList(stack(8, 6, 1)[:-1] for _ in range(num_tasks))

    def forward(self, x):
        experts = torch.stack([expert(x) for expert in self.experts], 1)
        mixed = [(gate(x).softmax(1).unsqueeze(2) * experts).sum(1) for gate in self.gates]
        return [torch.sigmoid(tower(input)) for tower, input in zip(self.towers, mixed)]


class Ranker(torch.nn.Module):
    """Ids and numbers; the scores are one tensor."""

    def __init__(self):
        super().__init__()
        self.item = torch.nn.Embedding(10, 4)
        self.mmoe = Mmoe(7)

    def forward(self, item, numbers):
        return torch.cat(self.mmoe(torch.cat([self.item(item), numbers], 1)), 1)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(4)


def test_module_to_equal_scores():
    module, x = Mmoe(), torch.randn(64, 24)
    model = mmoe.from_torch(module, x, tasks=["click", "like"])
    assert model.tasks == ("click", "like") and model.architecture == "MMoE" and model.name == "Mmoe"
    scores = mmoe.Session(model).score(x)  # a tensor, through DLPack
    expected = torch.cat(module(x), 1).detach().numpy()
    assert abs(scores - expected).max() < 2e-6
    assert model.report.module_rows == 64 and model.report.module_difference < 2e-6
    assert model.report.graph_rows > 0 and "compared with the module on 64 rows" in str(model.report)
    assert module.training


def test_ids_and_numbers():
    module = Ranker()
    item, numbers = torch.arange(10), torch.randn(10, 3)
    model = mmoe.from_torch(module, (item, numbers), tasks=["click", "like"])
    assert model.tasks == ("click", "like") and [feature.name for feature in model.features] == ["item", "numbers"]
    assert model.report.module_rows == 10
    found = mmoe.Session(model).score_rows({"item": item.numpy(), "numbers": numbers.numpy()})
    assert abs(found - module(item, numbers).detach().numpy()).max() < 2e-6


def test_state_dict():
    module = Mmoe()
    x = torch.randn(5, 24)
    expected = torch.cat(module(x), 1).detach().numpy()
    for weights in (module, module.state_dict()):
        model = mmoe.convert(weights, models.description(None))
        assert abs(mmoe.Session(model).score(x.numpy()) - expected).max() < 2e-6
    half = module.to(torch.bfloat16)
    assert mmoe.convert(half, models.description(None)).tasks == ("click", "like")


def test_what_is_not_recognised():
    class Other(torch.nn.Module):
        def forward(self, x):
            return torch.sin(x[:, :2]) + torch.cumsum(x, 1)[:, :2]

    with pytest.raises(mmoe.ConvertError):
        mmoe.from_torch(Other(), torch.randn(4, 24))


def test_wrong_tasks():
    with pytest.raises(mmoe.ConvertError, match="3 names, the module gives 2 scores"):
        mmoe.from_torch(Mmoe(), torch.randn(4, 24), tasks=["a", "b", "c"])


def test_what_differs_is_refused():
    """A module that changes between the export and the call: as random dropout would, left on."""

    class Moody(Mmoe):
        calls = 0

        def forward(self, x):
            Moody.calls += 1
            return super().forward(x if Moody.calls > 1 else x + 1)

    with pytest.raises(mmoe.ConvertError, match="differ from the module's"):
        mmoe.from_torch(Moody(), torch.randn(4, 24))


def test_tensors_that_need_gradients():
    model = mmoe.convert(*models.plain())
    with pytest.raises(mmoe.InputError, match="grad"):
        mmoe.Session(model).score(torch.randn(3, 24, requires_grad=True))
    with pytest.raises(mmoe.InputError, match="float32"):
        mmoe.Session(model).score(torch.randn(3, 24).double())
    out = numpy.empty((3, 2), "float32")
    mmoe.Session(model).score(torch.randn(3, 24), out)

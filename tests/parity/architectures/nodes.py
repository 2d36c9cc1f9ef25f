"""Networks that have more around the experts than MLPs: what `nodes` of a description are for. Each is written from its
paper, with the sizes of a test."""

import torch
from torch import nn

from architectures import INPUTS, TOWERS, WIDTH, pool
from fixture import NUM_ROWS, Fixture, mix, mlp, sigmoids, tasks, tower

TASKS = ("click", "buy")
RELU = {"activation": "relu"}
EXPERTS = {"layers": "experts.{expert}.{layer}", **RELU}


class Categories(nn.Module):
    """x is the embeddings of some categorical features, all of one width."""

    FIELDS = {"user": 5, "item": 7, "hour": 4, "shop": 3}
    SIDES = {"user": "user", "item": "item", "hour": "context", "shop": "item"}
    DIM = 4

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleDict({name: nn.Embedding(size, self.DIM) for name, size in self.FIELDS.items()})

    def embedded(self, batch):
        return [self.tables[name](batch[name]) for name in self.FIELDS]

    @classmethod
    def batch(cls, generator):
        columns = {name: torch.randint(size, (NUM_ROWS,), generator=generator) for name, size in cls.FIELDS.items()}
        rows = [list(row) for row in zip(*(column.tolist() for column in columns.values()))]
        return columns, list(columns), rows

    @classmethod
    def features(cls, tables="tables", suffix=""):
        return [{"name": name + suffix, "column": name, "kind": "categorical", "side": cls.SIDES[name],
                 "vocabulary": {"identity": size}, "embedding": f"{tables}.{name}.weight"}
                for name, size in cls.FIELDS.items()]


class Mixture(nn.Module):
    """The MMoE behind what a network makes of its inputs."""

    def __init__(self, inputs):
        super().__init__()
        self.experts = pool(3, inputs)
        self.gates = nn.ModuleList(nn.Linear(inputs, 3) for _ in TASKS)
        self.towers = nn.ModuleList(tower(WIDTH) for _ in TASKS)

    def logits(self, x):
        h = [e(x) for e in self.experts]
        return [t(mix(torch.softmax(g(x), dim=1), h)) for t, g in zip(self.towers, self.gates)]


def mixture(reads):
    return {"levels": [{"experts": {"layers": "mmoe.experts.{expert}.{layer}", "reads": reads, **RELU},
                        "gates": {"logits": "mmoe.gates.{task}", "reads": reads}}],
            "towers": {"layers": "mmoe.towers.{task}.{layer}", **RELU}, "tasks": tasks(*TASKS)}


class DeepFm(Categories):
    """Guo et al., IJCAI 2017, with an MMoE as the deep part: each logit has the linear part and the second-order
    interactions added."""

    def __init__(self):
        super().__init__()
        self.wide = nn.ModuleDict({name: nn.Embedding(size, 1) for name, size in self.FIELDS.items()})
        self.mmoe = Mixture(4 * self.DIM)

    def forward(self, b):
        v = torch.stack(self.embedded(b), dim=1)
        first = sum(self.wide[name](b[name]) for name in self.FIELDS)
        second = 0.5 * (v.sum(dim=1) ** 2 - (v ** 2).sum(dim=1)).sum(dim=1, keepdim=True)
        return sigmoids([logit + first + second for logit in self.mmoe.logits(v.flatten(1))])


def deep_fm():
    fields, wide = list(Categories.FIELDS), [f"{name}.wide" for name in Categories.FIELDS]
    described = mixture(fields)
    described["levels"][0]["nodes"] = [
        {"name": "{task}.deep", "layers": "mmoe.towers.{task}.{layer}", "reads": "gates", "last_activation": "linear", **RELU},
        {"name": "{task}.logit", "sum": ["{task}.deep", "first", "second"]}]
    return {
        **described, "features": DeepFm.features() + DeepFm.features("wide", ".wide"),
        "nodes": [{"name": "first", "sum_within_groups": wide},
                  {"name": "pairs", "bi_interaction": fields},
                  {"name": "second", "sum_within_groups": "pairs"}],
        "towers": {"reads": "{task}.logit"}}


class FmNumbers(Categories):
    """A factorisation machine whose numbers have embeddings too: a number times a vector, as in DeepCTR, FuxiCTR and
    torch-rechub."""

    NUMBERS = ("age", "price")

    def __init__(self):
        super().__init__()
        self.vectors = nn.ModuleDict({name: nn.Linear(1, self.DIM, bias=name == "age") for name in self.NUMBERS})
        self.mmoe = Mixture(6 * self.DIM)

    def forward(self, b):
        v = torch.stack([*self.embedded(b), *(self.vectors[name](b[name].unsqueeze(1)) for name in self.NUMBERS)], dim=1)
        pairs = 0.5 * (v.sum(dim=1) ** 2 - (v ** 2).sum(dim=1)).sum(dim=1, keepdim=True)
        return sigmoids([logit + pairs for logit in self.mmoe.logits(v.flatten(1))])

    @classmethod
    def batch(cls, generator):
        columns, heading, rows = super().batch(generator)
        for name in cls.NUMBERS:
            columns[name] = torch.randint(-8, 9, (NUM_ROWS,), generator=generator) / 8
        numbers = zip(*(columns[name].tolist() for name in cls.NUMBERS))
        return columns, heading + list(cls.NUMBERS), [row + list(more) for row, more in zip(rows, numbers)]


def fm_numbers():
    projection = lambda name: {"weight": f"vectors.{name}.weight", **({"bias": "vectors.age.bias"} if name == "age" else {})}
    fields = [*Categories.FIELDS, *FmNumbers.NUMBERS]
    described = mixture(fields)
    described["levels"][0]["nodes"] = [
        {"name": "{task}.deep", "layers": "mmoe.towers.{task}.{layer}", "reads": "gates", "last_activation": "linear", **RELU},
        {"name": "{task}.logit", "sum": ["{task}.deep", "second"]}]
    return {
        **described,
        "features": FmNumbers.features() + [{"name": name, "kind": "dense", "side": side, "projection": projection(name)}
                                            for name, side in zip(FmNumbers.NUMBERS, ["user", "item"])],
        "nodes": [{"name": "pairs", "bi_interaction": fields}, {"name": "second", "sum_within_groups": "pairs"}],
        "towers": {"reads": "{task}.logit"}}


class Nfm(Categories):
    """He and Chua, SIGIR 2017: the bi-interaction of the fields, beside x."""

    def __init__(self):
        super().__init__()
        self.mmoe = Mixture(5 * self.DIM)

    def forward(self, b):
        v = torch.stack(self.embedded(b), dim=1)
        pooled = 0.5 * (v.sum(dim=1) ** 2 - (v ** 2).sum(dim=1))
        return sigmoids(self.mmoe.logits(torch.cat([v.flatten(1), pooled], dim=1)))


def nfm():
    return {**mixture(["input", "bi"]), "features": Nfm.features(),
            "nodes": [{"name": "bi", "bi_interaction": "input", "group": Nfm.DIM}]}


class Dlrm(Categories):
    """Naumov et al., 2019: the dot products of all pairs of embeddings and of the bottom MLP's output, beside that."""

    DENSE = ("age", "price")

    def __init__(self):
        super().__init__()
        self.bottom = mlp([2, 6, self.DIM])
        self.mmoe = Mixture(self.DIM + 10)

    def forward(self, b):
        bottom = self.bottom(b["dense"])
        vectors = torch.stack([bottom, *self.embedded(b)], dim=1)
        products = torch.bmm(vectors, vectors.transpose(1, 2))
        i, j = torch.tril_indices(5, 5, offset=-1)
        return sigmoids(self.mmoe.logits(torch.cat([bottom, products[:, i, j]], dim=1)))

    @classmethod
    def batch(cls, generator):
        columns, heading, rows = super().batch(generator)
        columns["dense"] = torch.randn(NUM_ROWS, 2, generator=generator)
        dense = [[f"{value:.9g}" for value in row] for row in columns["dense"].tolist()]
        return columns, [*cls.DENSE, *heading], [a + b for a, b in zip(dense, rows)]


def dlrm():
    dense = [{"name": name, "kind": "dense"} for name in Dlrm.DENSE]
    return {
        **mixture(["bottom", "pairs"]), "features": dense + Dlrm.features(),
        "nodes": [{"name": "bottom", "layers": "bottom.{layer}", "reads": list(Dlrm.DENSE), **RELU},
                  {"name": "pairs", "lower_pairs": ["bottom", *Dlrm.FIELDS]}]}


class DcnV2(nn.Module):
    """Wang et al., WWW 2021: two cross layers, the second of low rank, beside a deep network."""

    def __init__(self):
        super().__init__()
        self.cross = nn.Linear(INPUTS, INPUTS)
        self.u, self.v = nn.Linear(3, INPUTS), nn.Linear(INPUTS, 3, bias=False)
        self.deep = mlp([INPUTS, 6])
        self.mmoe = Mixture(INPUTS + 6)

    def forward(self, x):
        x1 = x * self.cross(x) + x
        x2 = x * self.u(self.v(x1)) + x1
        return sigmoids(self.mmoe.logits(torch.cat([x2, self.deep(x)], dim=1)))


def dcn_v2():
    linear = {"activation": "linear"}
    return {
        **mixture(["x2", "deep"]), "input_dim": INPUTS, "shared_dim": 4,
        "nodes": [{"name": "w1", "layers": "cross", "reads": "input", **linear},
                  {"name": "c1", "product": ["input", "w1"]},
                  {"name": "x1", "sum": ["c1", "input"]},
                  {"name": "w2", "layers": ["v", "u"], "reads": "x1", **linear},
                  {"name": "c2", "product": ["input", "w2"]},
                  {"name": "x2", "sum": ["c2", "x1"]},
                  {"name": "deep", "layers": "deep.{layer}", "reads": "input", **RELU}]}


class DcnV1(nn.Module):
    """Wang et al., ADKDD 2017: x_0 times a number, plus a bias, plus x_l."""

    def __init__(self):
        super().__init__()
        self.w = nn.ModuleList(nn.Linear(INPUTS, 1, bias=False) for _ in range(2))
        self.b = nn.ParameterList(nn.Parameter(torch.zeros(INPUTS)) for _ in range(2))
        self.mmoe = Mixture(INPUTS)

    def forward(self, x):
        crossed = x
        for w, b in zip(self.w, self.b):
            crossed = x * w(crossed) + b + crossed
        return sigmoids(self.mmoe.logits(crossed))


def dcn_v1():
    nodes, before = [], "input"
    for i in range(2):
        nodes += [{"name": f"w{i}", "layers": f"w.{i}", "reads": before, "activation": "linear"},
                  {"name": f"c{i}", "product": ["input", f"w{i}"]},
                  {"name": f"x{i}", "sum": [f"c{i}", before], "constant": f"b.{i}"}]
        before = f"x{i}"
    return {**mixture("x1"), "input_dim": INPUTS, "nodes": nodes}


class PepNet(Categories):
    """Chang et al., KDD 2023: EPNet scales the embeddings by 2 sigmoid(MLP of the domain and them); PPNet does the same
    with each layer of a task's tower, by an MLP of the prior and the embeddings."""

    def __init__(self):
        super().__init__()
        self.epnet = mlp([4 * self.DIM, 5, 3 * self.DIM], last=False)
        self.first = nn.ModuleDict({task: nn.Linear(3 * self.DIM, 6) for task in TASKS})
        self.last = nn.ModuleDict({task: nn.Linear(6, 1) for task in TASKS})
        self.ppnet = nn.ModuleDict({task: mlp([4 * self.DIM, 5, 6], last=False) for task in TASKS})

    def forward(self, b):
        domain, *others = self.embedded(b)  # the user is the prior, which here is the domain too
        general = torch.cat(others, dim=1)
        x = 2 * torch.sigmoid(self.epnet(torch.cat([domain, general], dim=1))) * general
        prior, logits = torch.cat([domain, x], dim=1), []
        for task in TASKS:
            h = torch.relu(self.first[task](x))
            logits.append(self.last[task](2 * torch.sigmoid(self.ppnet[task](prior)) * h))
        return sigmoids(logits)


def pepnet():
    general = ["item", "hour", "shop"]
    gate = {"activation": "relu", "last_activation": "sigmoid"}
    return {
        "architecture": "PEPNet", "features": PepNet.features(),
        "nodes": [{"name": "domain", "layers": "epnet.{layer}", "reads": ["user", *general], **gate},
                  {"name": "x", "product": ["domain", general], "scale": 2},
                  {"name": "{task}.first", "layers": "first.{task}", "reads": "x", **RELU},
                  {"name": "{task}.gate", "layers": "ppnet.{task}.{layer}", "reads": ["user", "x"], **gate},
                  {"name": "{task}.h", "product": ["{task}.gate", "{task}.first"], "scale": 2}],
        "towers": {"layers": "last.{task}", "reads": "{task}.h"}, "tasks": tasks(*TASKS)}


class Aitm(nn.Module):
    """Xi et al., KDD 2021: what a task learned goes on to the next through an attention over the two."""

    DIM = 6

    def __init__(self):
        super().__init__()
        self.bottom = nn.ModuleDict({task: mlp([INPUTS, self.DIM]) for task in TASKS})
        self.info = mlp([self.DIM, self.DIM])
        self.q, self.k, self.v = (nn.Linear(self.DIM, self.DIM) for _ in range(3))
        self.towers = nn.ModuleDict({task: nn.Linear(self.DIM, 1) for task in TASKS})

    def forward(self, x):
        click, buy = (self.bottom[task](x) for task in TASKS)
        both = torch.stack([self.info(click), buy], dim=1)
        scores = (self.q(both) * self.k(both)).sum(dim=2) / self.DIM ** 0.5
        mixed = (torch.softmax(scores, dim=1).unsqueeze(2) * self.v(both)).sum(dim=1)
        return sigmoids([self.towers["click"](click), self.towers["buy"](mixed)])


def aitm():
    linear = {"activation": "linear"}
    attention = []
    for name, reads in (("info", "info"), ("own", "buy.bottom")):
        attention += [{"name": f"{name}.{part}", "layers": part, "reads": reads, **linear} for part in "qkv"]
        attention.append({"name": f"{name}.score", "dot": [f"{name}.q", f"{name}.k"], "scale": Aitm.DIM ** -0.5})
    weight = lambda i: [{"node": "attention", "first": i, "count": 1}]
    return {
        "architecture": "AITM", "input_dim": INPUTS,
        "nodes": [{"name": "{task}.bottom", "layers": "bottom.{task}.{layer}", "reads": "input", **RELU},
                  {"name": "info", "layers": "info.{layer}", "reads": "click.bottom", **RELU},
                  *attention,
                  {"name": "attention", "softmax": ["info.score", "own.score"]},
                  {"name": "info.part", "product": [weight(0), "info.v"]},
                  {"name": "own.part", "product": [weight(1), "own.v"]},
                  {"name": "buy", "sum": ["info.part", "own.part"]},
                  {"name": "click", "sum": ["click.bottom"]}],
        "towers": {"layers": "towers.{task}", "reads": "{task}"}, "tasks": tasks(*TASKS)}


class SeNet(Categories):
    """FiBiNET's squeeze and excitation (Huang et al., RecSys 2019): a weight for each field, from the fields' means."""

    def __init__(self):
        super().__init__()
        self.excitation = mlp([4, 2, 4])
        self.mmoe = Mixture(4 * self.DIM + 6)

    def forward(self, b):
        v = torch.stack(self.embedded(b), dim=1)
        weighted = v * self.excitation(v.mean(dim=2)).unsqueeze(2)
        i, j = torch.triu_indices(4, 4, offset=1)
        products = torch.bmm(weighted, weighted.transpose(1, 2))[:, i, j]
        return sigmoids(self.mmoe.logits(torch.cat([weighted.flatten(1), products], dim=1)))


def senet():
    return {
        **mixture(["weighted", "pairs"]), "features": SeNet.features(),
        "nodes": [{"name": "means", "sum_within_groups": "input", "group": SeNet.DIM, "scale": 1 / SeNet.DIM},
                  {"name": "weights", "layers": "excitation.{layer}", "reads": "means", **RELU},
                  {"name": "weighted", "product": ["input", "weights"]},
                  {"name": "pairs", "upper_pairs": "weighted", "group": SeNet.DIM}]}


class Residual(nn.Module):
    """Blocks that add their input, one behind the trunk and one behind the level; the gates read the first one."""

    def __init__(self):
        super().__init__()
        self.trunk = mlp([INPUTS, WIDTH])
        self.block = mlp([WIDTH, 5, WIDTH], last=False)
        self.experts = pool(2, WIDTH)
        self.gates = nn.ModuleList(nn.Linear(WIDTH, 2) for _ in TASKS)
        self.blocks = nn.ModuleList(mlp([WIDTH, WIDTH], last=False) for _ in TASKS)
        self.towers = nn.ModuleList(tower(WIDTH) for _ in TASKS)

    def forward(self, x):
        h = self.trunk(x)
        h = torch.relu(self.block(h) + h)
        experts, logits = [e(h) for e in self.experts], []
        for gate, block, head in zip(self.gates, self.blocks, self.towers):
            mixed = mix(torch.softmax(gate(h), dim=1), experts)
            logits.append(head(nn.functional.silu(block(mixed) + mixed + h)))
        return sigmoids(logits)


def residual():
    return {
        "trunk": {"layers": "trunk.{layer}", **RELU},
        "nodes": [{"name": "f", "layers": "block.{layer}", "reads": ["trunk"], "last_activation": "linear", **RELU},
                  {"name": "h", "sum": ["f", "trunk"], "activation": "relu"}],
        "levels": [{"experts": {**EXPERTS, "reads": "h"},
                    "gates": {"logits": "gates.{task}", "reads": "h"},
                    "nodes": [{"name": "{task}.f", "layers": "blocks.{task}.{layer}", "reads": "gates", "activation": "linear"},
                              {"name": "{task}.h", "sum": ["{task}.f", "gates", "h"], "activation": "silu"}]}],
        "towers": {**TOWERS, "reads": "{task}.h"}, "tasks": tasks(*TASKS)}


class AdaTt(nn.Module):
    """Li et al., KDD 2023, two levels: beside the gate over all experts each task has a linear combination of its own."""

    def __init__(self):
        super().__init__()
        self.levels = nn.ModuleList(nn.ModuleDict({
            "experts": nn.ModuleDict({task: pool(2, inputs) for task in TASKS}),
            "gates": nn.ModuleDict({task: nn.Linear(inputs, 4) for task in TASKS}),
            "native": nn.ParameterDict({task: nn.Parameter(torch.zeros(2)) for task in TASKS}),
        }) for inputs in (INPUTS, WIDTH))
        self.towers = nn.ModuleDict({task: tower(WIDTH) for task in TASKS})

    def forward(self, x):
        streams = {task: x for task in TASKS}
        for level in self.levels:
            native = {task: [e(streams[task]) for e in level["experts"][task]] for task in TASKS}
            every = [h for task in TASKS for h in native[task]]
            streams = {
                task: mix(torch.softmax(level["gates"][task](streams[task]), dim=1), every)
                + mix(level["native"][task].expand(x.shape[0], 2), native[task]) for task in TASKS}
        return sigmoids([self.towers[task](streams[task]) for task in TASKS])


def adatt(module):
    def level(i, reads):
        native = [{"name": f"native.{task}", "mixes": [{"pool": "experts", "task": task}],
                   "constant": module.levels[i]["native"][task].tolist()} for task in TASKS]
        return {
            "experts": {"layers": f"levels.{i}.experts.{{task}}.{{expert}}.{{layer}}", "reads": reads, **RELU},
            "gates": [{"name": "all", "logits": f"levels.{i}.gates.{{task}}", "reads": reads,
                       "mixes": [{"pool": "experts", "tasks": "all"}]}, *native],
            "nodes": [{"name": f"{{task}}.{i}", "sum": ["all", "native.{task}"]}]}
    return {
        "architecture": "AdaTT", "input_dim": INPUTS, "levels": [level(0, "input"), level(1, "{task}.0")],
        "towers": {"layers": "towers.{task}.{layer}", "reads": "{task}.1", **RELU}, "tasks": tasks(*TASKS),
        "ignore": ["levels.*.native.*"]}


class Din(nn.Module):
    """Zhou et al., KDD 2018: an item attends to the items that the user has seen. Of the file's sequences, one has the
    items, the other their shops; id 0 is padding. With `softmax` the weights are one of the elements that are there."""

    LENGTH, ITEMS, SHOPS = 5, 9, 4

    def __init__(self, activation, softmax):
        super().__init__()
        self.softmax = softmax
        self.item, self.shop, self.user = nn.Embedding(self.ITEMS, 4), nn.Embedding(self.SHOPS, 2), nn.Embedding(6, 3)
        self.attention = nn.Sequential(nn.Linear(4 * 6, 8), activation(8), nn.Linear(8, 5), nn.Sigmoid(), nn.Linear(5, 1))
        self.mmoe = Mixture(3 + 6 + 6)

    def attend(self, query, elements, there):
        q = query.unsqueeze(1).expand(elements.shape)
        terms = torch.cat([q, elements, q - elements, q * elements], dim=2)
        weights = self.attention(terms.flatten(0, 1)).view(elements.shape[:2])
        if self.softmax:
            weights = torch.softmax(torch.where(there, weights, torch.full_like(weights, -torch.inf)), dim=1)
            weights = torch.nan_to_num(weights)  # of an empty history
        return ((weights * there).unsqueeze(2) * elements).sum(dim=1)

    def forward(self, b):
        embedded = lambda items, shops: torch.cat([self.item(b[items]), self.shop(b[shops])], dim=-1)
        query = embedded("item", "shop")
        interest = self.attend(query, embedded("items", "shops"), b["items"] != 0)
        return sigmoids(self.mmoe.logits(torch.cat([self.user(b["user"]), query, interest], dim=1)))

    @classmethod
    def batch(cls, generator):
        draw = lambda *shape, size, least=0: torch.randint(least, size, shape, generator=generator)
        columns = {"user": draw(NUM_ROWS, size=6), "item": draw(NUM_ROWS, size=cls.ITEMS, least=1),
                   "shop": draw(NUM_ROWS, size=cls.SHOPS), "items": draw(NUM_ROWS, cls.LENGTH, size=cls.ITEMS),
                   "shops": draw(NUM_ROWS, cls.LENGTH, size=cls.SHOPS)}
        columns["items"][0] = 0
        text = lambda value: "|".join(map(str, value)) if isinstance(value, list) else value
        rows = [[text(value) for value in row] for row in zip(*(column.tolist() for column in columns.values()))]
        return columns, list(columns), rows


def din(activation, softmax):
    category = lambda name, side, size: {"name": name, "kind": "categorical", "side": side,
                                         "vocabulary": {"identity": size}, "embedding": f"{name}.weight"}
    sequence = lambda name, one, size: {
        "name": name, "kind": "sequence", "side": "user", "vocabulary": {"identity": size}, "embedding": f"{one}.weight",
        "length": Din.LENGTH, "pooling": "none"}
    item = ["item", "shop"]
    interest = {"name": "interest", "layers": ["attention.0", "attention.2", "attention.4"],
                "attention": {"query": item, "sequences": ["items", "shops"], "softmax": softmax},
                **activation}
    return {
        **mixture(["user", *item, "interest"]), "nodes": [interest],
        "features": [category("user", "user", 6), category("item", "item", Din.ITEMS), category("shop", "item", Din.SHOPS),
                     {**sequence("items", "item", Din.ITEMS), "padding_id": 0}, sequence("shops", "shop", Din.SHOPS)]}


class Dice(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bn = nn.BatchNorm1d(width, eps=1e-8)
        self.alpha = nn.Parameter(torch.zeros(width))

    def forward(self, x):
        p = torch.sigmoid(self.bn(x))
        return self.alpha * (1 - p) * x + p * x


def all_fixtures():
    with_nodes = "MMoE with nodes"
    yield Fixture("deep_fm", with_nodes, DeepFm(), deep_fm(), batch=DeepFm.batch)
    yield Fixture("fm_numbers", with_nodes, FmNumbers(), fm_numbers(), batch=FmNumbers.batch)
    yield Fixture("nfm", with_nodes, Nfm(), nfm(), batch=Nfm.batch)
    yield Fixture("dlrm", with_nodes, Dlrm(), dlrm(), batch=Dlrm.batch)
    yield Fixture("dcn_v2", with_nodes, DcnV2(), dcn_v2(), inputs=INPUTS)
    yield Fixture("dcn_v1", with_nodes, DcnV1(), dcn_v1(), inputs=INPUTS)
    yield Fixture("pepnet", "PEPNet", PepNet(), pepnet(), batch=PepNet.batch)
    yield Fixture("aitm", "AITM", Aitm(), aitm(), inputs=INPUTS)
    yield Fixture("senet", with_nodes, SeNet(), senet(), batch=SeNet.batch)
    yield Fixture("residual", "MMoE with nodes on a shared trunk", Residual(), residual(), inputs=INPUTS)
    yield Fixture("din", with_nodes, Din(Dice, False), din({
        "activation": ["dice", "sigmoid", "linear"],
        "dice": {"alpha": "attention.1.alpha", "batch_norm": "attention.1.bn", "epsilon": 1e-8}}, False), batch=Din.batch)
    yield Fixture("din_softmax", with_nodes, Din(lambda _: nn.ReLU(), True), din({
        "activation": ["relu", "sigmoid", "linear"]}, True), batch=Din.batch)
    adatt_fixture = Fixture("adatt", "AdaTT", AdaTt(), {"tasks": tasks(*TASKS)}, inputs=INPUTS)
    adatt_fixture.description = adatt(adatt_fixture.module)
    yield adatt_fixture

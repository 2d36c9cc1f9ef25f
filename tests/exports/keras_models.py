"""Rankers as public repositories spell them, in Keras 3: functions that make a model of named inputs."""
import keras
from keras import layers, ops

from inputs import fields, history, ids, numbers

MODELS = {}


def model(name, **inputs):
    def keep(make):
        MODELS[name] = (make, inputs)
        return make

    return keep


def dense(units, activation="relu", **more):
    return layers.Dense(units, activation=activation, **more)


def mmoe(x, experts=3, tasks=2, width=6):
    """The functional spelling: a list of Dense experts, stacked by a layer."""
    stacked = Stack(axis=1)([dense(width)(dense(8)(x)) for _ in range(experts)])
    outputs = []
    for t in range(tasks):
        gate = dense(experts, "softmax", use_bias=False)(x)
        mixed = WeightedSum()([stacked, gate])
        outputs.append(dense(1, "sigmoid", name=f"task{t}")(dense(5)(mixed)))
    return outputs


class Stack(layers.Layer):
    def __init__(self, axis, **more):
        super().__init__(**more)
        self.axis = axis

    def call(self, inputs):
        return ops.stack(inputs, axis=self.axis)


class WeightedSum(layers.Layer):
    def call(self, inputs):
        stacked, gate = inputs
        return ops.sum(stacked * ops.expand_dims(gate, -1), axis=1)


class MmoeLayer(layers.Layer):
    """The well-known port: kernels of [inputs, units, experts], repeat and sum."""

    def __init__(self, units, experts, tasks, **more):
        super().__init__(**more)
        self.units, self.num_experts, self.num_tasks = units, experts, tasks

    def build(self, shape):
        width = shape[-1]
        self.kernels = self.add_weight(name="kernels", shape=(width, self.units, self.num_experts))
        self.bias = self.add_weight(name="bias", shape=(self.units, self.num_experts), initializer="random_normal")
        self.gates = [self.add_weight(name=f"gate{i}", shape=(width, self.num_experts)) for i in range(self.num_tasks)]
        self.gate_bias = [
            self.add_weight(name=f"gate_bias{i}", shape=(self.num_experts,), initializer="random_normal")
            for i in range(self.num_tasks)
        ]

    def call(self, x):
        experts = ops.relu(ops.tensordot(x, self.kernels, axes=1) + self.bias)
        results = []
        for kernel, bias in zip(self.gates, self.gate_bias):
            gate = ops.softmax(ops.matmul(x, kernel) + bias)
            weighted = experts * ops.repeat(ops.expand_dims(gate, axis=1), self.units, axis=1)
            results.append(ops.sum(weighted, axis=2))
        return results


def inputs_of(specs):
    made = {}
    for name, spec in specs.items():
        kind = "float32" if spec.kind == "numbers" else "int32"
        made[name] = keras.Input((spec.width,), name=name, dtype=kind)
    return made


@model("functional", x=numbers(12))
def functional(x):
    return mmoe(x)


@model("layer", x=numbers(12))
def layer(x):
    mixed = MmoeLayer(6, 4, 2)(x)
    return [dense(1, "sigmoid")(dense(5)(m)) for m in mixed]


@model("dot_layer", x=numbers(10))
def dot_layer(x):
    """layers.Dot mixes; experts are reshaped and concatenated."""
    experts = layers.Concatenate(axis=1)([layers.Reshape((1, 6))(dense(6)(x)) for _ in range(3)])
    outputs = []
    for _ in range(2):
        gate = layers.Softmax()(dense(3, None)(x))
        outputs.append(dense(1, "sigmoid")(layers.Dot(axes=1)([gate, experts])))
    return outputs


@model("norm_dropout", x=numbers(10))
def norm_dropout(x):
    x = layers.BatchNormalization()(x)

    def expert(x):
        for units in (8, 6):
            x = layers.Dense(units)(x)
            x = layers.BatchNormalization()(x)
            x = layers.Activation("relu")(x)
            x = layers.Dropout(0.3)(x)
        return x

    stacked = Stack(axis=1)([expert(x) for _ in range(3)])
    return [
        dense(1, "sigmoid")(dense(5, "swish")(WeightedSum()([stacked, dense(3, "softmax")(x)]))) for _ in range(2)
    ]


@model("layer_norm_gelu", x=numbers(10))
def layer_norm_gelu(x):
    x = layers.LayerNormalization()(x)
    stacked = Stack(axis=-1)([layers.LayerNormalization()(dense(6, "gelu")(x)) for _ in range(3)])
    outputs = []
    for _ in range(2):
        gate = dense(3, "softmax")(x)
        mixed = layers.Lambda(lambda v: ops.squeeze(ops.matmul(v[0], ops.expand_dims(v[1], -1)), -1), (6,))(
            [stacked, gate]
        )
        outputs.append(dense(1, "sigmoid")(layers.PReLU()(layers.Dense(5)(mixed))))
    return outputs


@model("activations", x=numbers(10))
def activations(x):
    parts = [dense(4, a)(x) for a in ("selu", "elu", "softplus", "tanh", "mish", "hard_sigmoid", "silu", "softsign")]
    parts.append(layers.LeakyReLU(negative_slope=0.2)(layers.Dense(4)(x)))
    parts.append(layers.ReLU(max_value=6)(layers.Dense(4)(x)))
    return mmoe(layers.Concatenate()(parts))


@model("ple", x=numbers(10))
def ple(x):
    def level(streams, last):
        shared = [dense(6)(streams[-1]) for _ in range(2)]
        own = [[dense(6)(s) for _ in range(2)] for s in streams[:-1]]
        results = []
        for mine, stream in zip(own, streams):
            results.append(WeightedSum()([Stack(axis=1)(mine + shared), dense(4, "softmax")(stream)]))
        if not last:
            every = [e for mine in own for e in mine] + shared
            results.append(WeightedSum()([Stack(axis=1)(every), dense(6, "softmax")(streams[-1])]))
        return results

    streams = level([x, x, x], False)
    return [dense(1, "sigmoid")(dense(5)(s)) for s in level(streams, True)]


@model("esmm", x=numbers(10))
def esmm(x):
    click, buy = mmoe(x)
    return [click, layers.Multiply(name="click_and_buy")([click, buy])]


@model("embeddings", user=ids(9), item=ids(13), x=numbers(4))
def embeddings(user, item, x):
    parts = [layers.Flatten()(layers.Embedding(9, 4)(user)), layers.Flatten()(layers.Embedding(13, 4)(item)), x]
    return mmoe(layers.Concatenate()(parts))


@model("wide_deep", cat=fields(4, 11), x=numbers(5))
def wide_deep(cat, x):
    e = layers.Embedding(11, 5)(cat)
    wide = layers.Add()([layers.Dense(1)(x), layers.Lambda(lambda v: ops.sum(v, axis=1), (1,))(layers.Embedding(11, 1)(cat))])
    deep = dense(6)(dense(8)(layers.Concatenate()([layers.Flatten()(e), x])))
    return [layers.Activation("sigmoid")(layers.Add()([wide, layers.Dense(1)(dense(5)(deep))])) for _ in range(2)]


class Fm(layers.Layer):
    def call(self, e):
        square = ops.square(ops.sum(e, axis=1, keepdims=True))
        summed = ops.sum(e * e, axis=1, keepdims=True)
        return 0.5 * ops.sum(square - summed, axis=2, keepdims=False)


@model("deepfm", cat=fields(4, 11))
def deepfm(cat):
    e = layers.Embedding(11, 5)(cat)
    fm = Fm()(e)
    flat = layers.Flatten()(e)
    deep = layers.Dense(1, use_bias=False)(dense(8)(flat))
    return [layers.Activation("sigmoid")(layers.Add()([fm, deep]))] + mmoe(flat)


class Cross(layers.Layer):
    def build(self, shapes):
        self.dense = layers.Dense(shapes[0][-1])
        self.dense.build(shapes[0])

    def call(self, inputs):
        x0, x = inputs
        return x0 * self.dense(x) + x


@model("dcn", x=numbers(8))
def dcn(x):
    y = Cross()([x, x])
    y = Cross()([x, y])
    return mmoe(layers.Concatenate()([y, dense(6)(x)]))


@model("one_hot", domain=ids(3), x=numbers(6))
def one_hot(domain, x):
    encoded = layers.CategoryEncoding(num_tokens=3, output_mode="one_hot")(domain)
    return mmoe(layers.Concatenate()([encoded, x]))


@model("normalization", x=numbers(6))
def normalization(x):
    return mmoe(layers.Normalization(mean=[0.1] * 6, variance=[1.3] * 6)(x))


@model("hist_mean", hist=history(6, 13), item=ids(13))
def hist_mean(hist, item):
    """mask_zero and GlobalAveragePooling1D."""
    table = layers.Embedding(13, 5, mask_zero=True)
    pooled = layers.GlobalAveragePooling1D()(table(hist))
    return mmoe(layers.Concatenate()([pooled, layers.Flatten()(layers.Embedding(13, 5)(item))]))


@model("hist_mean_all", hist=history(6, 13), item=ids(13))
def hist_mean_all(hist, item):
    table = layers.Embedding(13, 5)
    return mmoe(layers.Concatenate()([layers.GlobalAveragePooling1D()(table(hist)), layers.Flatten()(table(item))]))


class MaskedSum(layers.Layer):
    def call(self, inputs):
        ids_, e = inputs
        mask = ops.cast(ops.not_equal(ids_, 0), "float32")
        return ops.sum(e * ops.expand_dims(mask, -1), axis=1)


@model("hist_sum", hist=history(6, 13), item=ids(13))
def hist_sum(hist, item):
    table = layers.Embedding(13, 5)
    return mmoe(layers.Concatenate()([MaskedSum()([hist, table(hist)]), layers.Flatten()(table(item))]))


class Din(layers.Layer):
    """Activation unit; softmax of scores with paddings of -2^32 + 1 where asked for."""

    def __init__(self, softmax, **more):
        super().__init__(**more)
        self.softmax = softmax
        self.first, self.second = layers.Dense(8, activation="sigmoid"), layers.Dense(1)

    def build(self, shapes):
        width = shapes[0][-1]
        self.first.build((None, 4 * width))
        self.second.build((None, 8))

    def call(self, inputs):
        q, k, ids_ = inputs
        q = ops.repeat(q, k.shape[1], axis=1)
        scores = self.second(self.first(ops.concatenate([q, k, q - k, q * k], axis=-1)))
        scores = ops.transpose(scores, (0, 2, 1))
        mask = ops.expand_dims(ops.not_equal(ids_, 0), 1)
        if self.softmax:
            scores = ops.softmax(ops.where(mask, scores, ops.ones_like(scores) * (-(2.0**32) + 1)))
        else:
            scores = ops.where(mask, scores, ops.zeros_like(scores))
        return ops.squeeze(ops.matmul(scores, k), 1)


@model("din", hist=history(6, 13), item=ids(13))
def din(hist, item):
    table = layers.Embedding(13, 5)
    q, k = table(item), table(hist)
    return mmoe(layers.Concatenate()([Din(False)([q, k, hist]), layers.Flatten()(q)]))


@model("din_softmax", hist=history(6, 13), item=ids(13))
def din_softmax(hist, item):
    table = layers.Embedding(13, 5)
    q, k = table(item), table(hist)
    return mmoe(layers.Concatenate()([Din(True)([q, k, hist]), layers.Flatten()(q)]))


@model("attention", hist=history(6, 13), item=ids(13))
def attention(hist, item):
    """MultiHeadAttention, residual, LayerNormalization."""
    table = layers.Embedding(13, 6)
    x = table(hist)
    y = layers.MultiHeadAttention(num_heads=2, key_dim=3)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    y = layers.Dense(6)(dense(8)(x))
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    return mmoe(layers.Concatenate()([layers.Flatten()(x), layers.Flatten()(table(item))]))


@model("attention_masked", hist=history(6, 13), item=ids(13))
def attention_masked(hist, item):
    """mask_zero goes to MultiHeadAttention by itself."""
    x = layers.Embedding(13, 6, mask_zero=True)(hist)
    y = layers.MultiHeadAttention(num_heads=2, key_dim=3)(x, x)
    y = layers.Lambda(lambda v: ops.mean(v, axis=1), (6,))(y)
    return mmoe(layers.Concatenate()([y, layers.Flatten()(layers.Embedding(13, 6)(item))]))


@model("autoint", cat=fields(4, 11))
def autoint(cat):
    e = layers.Embedding(11, 6)(cat)
    y = layers.MultiHeadAttention(num_heads=2, key_dim=3)(e, e)
    y = layers.Activation("relu")(layers.Add()([y, layers.Dense(6, use_bias=False)(e)]))
    return mmoe(layers.Flatten()(y))


class TopKMmoe(layers.Layer):
    def __init__(self, **more):
        super().__init__(**more)
        self.experts = [layers.Dense(6, activation="relu") for _ in range(4)]
        self.gate = layers.Dense(4)

    def build(self, shape):
        for part in self.experts + [self.gate]:
            part.build(shape)

    def call(self, x):
        values, indices = ops.top_k(self.gate(x), 2)
        weights = ops.softmax(values)
        spread = ops.sum(ops.one_hot(indices, 4) * ops.expand_dims(weights, -1), axis=1)
        stacked = ops.stack([e(x) for e in self.experts], axis=1)
        return ops.einsum("be,beh->bh", spread, stacked)


@model("top_k", x=numbers(10))
def top_k(x):
    mixed = TopKMmoe()(x)
    return [dense(1, "sigmoid")(dense(5)(mixed)) for _ in range(2)]


class PpNet(layers.Layer):
    def call(self, inputs):
        h, g = inputs
        return h * g * 2.0


@model("pepnet", x=numbers(10), domain=ids(3))
def pepnet(x, domain):
    e = layers.Flatten()(layers.Embedding(3, 4)(domain))
    gate = dense(10, "sigmoid")(dense(6)(layers.Concatenate()([e, x])))
    x = PpNet()([x, gate])
    outputs = []
    for _ in range(2):
        h = dense(6)(x)
        g = dense(6, "sigmoid")(dense(5)(layers.Concatenate()([e, x])))
        outputs.append(dense(1, "sigmoid")(PpNet()([h, g])))
    return outputs


class DomainMask(layers.Layer):
    def call(self, inputs):
        scores, domain = inputs
        return ops.sum(ops.concatenate(scores, axis=1) * ops.cast(ops.one_hot(ops.squeeze(domain, 1), 3), "float32"), 1)


@model("domain_masks", x=numbers(10), domain=ids(3))
def domain_masks(x, domain):
    scores = mmoe(x, tasks=3)
    return [DomainMask()([scores, domain])]


@model("residual", x=numbers(8))
def residual(x):
    def block(x):
        y = layers.LayerNormalization()(x)
        return layers.Add()([x, layers.Dense(8)(dense(12, "gelu")(y))])

    stacked = Stack(axis=1)([block(block(x)) for _ in range(3)])
    return [dense(1, "sigmoid")(WeightedSum()([stacked, dense(3, "softmax")(x)])) for _ in range(2)]


@model("cosine", user=ids(9), item=ids(13))
def cosine(user, item):
    u = dense(5)(layers.Flatten()(layers.Embedding(9, 4)(user)))
    i = dense(5)(layers.Flatten()(layers.Embedding(13, 4)(item)))
    similarity = layers.Dot(axes=1, normalize=True)([u, i])
    return mmoe(layers.Concatenate()([u, i, similarity]))


@model("several_outputs", x=numbers(10))
def several_outputs(x):
    stacked = Stack(axis=1)([dense(6)(x) for _ in range(3)])
    mixed = [WeightedSum()([stacked, dense(3, "softmax")(x)]) for _ in range(3)]
    return [dense(4, "softmax")(mixed[0]), dense(1, None)(mixed[1]), dense(2, "sigmoid")(mixed[2])]

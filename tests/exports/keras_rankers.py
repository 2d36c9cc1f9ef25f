"""Whole rankers as people publish them, in Keras 3 on TensorFlow: what is beside keras_models.py."""
import keras
import tensorflow as tf
from keras import layers, ops

from inputs import fields, history, ids, numbers
from keras_models import dense, mmoe, model


class Apply(layers.Layer):
    """A Lambda of several inputs."""

    def __init__(self, function, **more):
        super().__init__(**more)
        self.function = function

    def call(self, *inputs):
        return self.function(*inputs)


class TensorDotMmoe(layers.Layer):
    """Experts by tf.tensordot, gates by tf.matmul and expand_dims, as the first ports to TensorFlow 2 have them."""

    def build(self, shape):
        self.kernels = self.add_weight(name="kernels", shape=(shape[-1], 6, 4))
        self.bias = self.add_weight(name="bias", shape=(6, 4))
        self.gates = [self.add_weight(name=f"gate{i}", shape=(shape[-1], 4)) for i in range(2)]

    def call(self, x):
        experts = tf.nn.relu(tf.tensordot(x, self.kernels, axes=[[1], [0]]) + self.bias)
        found = []
        for gate in self.gates:
            weights = tf.expand_dims(tf.nn.softmax(tf.matmul(x, gate)), axis=1)
            found.append(tf.reduce_sum(experts * tf.tile(weights, [1, 6, 1]), axis=2))
        return found


@model("tf_tensordot", x=numbers(9))
def tf_tensordot(x):
    return [dense(1, "sigmoid")(dense(5)(mixed)) for mixed in TensorDotMmoe()(x)]


@model("tf_lambda_batch_dot", x=numbers(9))
def tf_lambda_batch_dot(x):
    """Lambda layers: stack, expand_dims, a batched product."""
    experts = layers.Lambda(lambda e: tf.stack(e, axis=1))([dense(6)(x) for _ in range(3)])
    scores = []
    for _ in range(2):
        gate = layers.Lambda(lambda g: tf.expand_dims(g, 1))(dense(3, "softmax")(x))
        mixed = Apply(lambda g, e: tf.squeeze(tf.matmul(g, e), axis=1))(gate, experts)
        scores.append(dense(1, "sigmoid")(mixed))
    return scores


@model("tf_masked_mean", hist=history(5, 13), item=ids(13))
def tf_masked_mean(hist, item):
    """tf.sequence_mask has no place here: a mask by not_equal, and divide_no_nan."""
    table = layers.Embedding(13, 4)
    embedded = table(hist)

    def pool(h, e):
        mask = tf.expand_dims(tf.cast(tf.not_equal(h, 0), tf.float32), -1)
        return tf.math.divide_no_nan(tf.reduce_sum(e * mask, axis=1), tf.reduce_sum(mask, axis=1))

    pooled = Apply(pool)(hist, embedded)
    return mmoe(layers.Concatenate()([pooled, layers.Flatten()(table(item))]))


@model("tf_din_has_history", hist=history(5, 13), item=ids(13))
def tf_din_has_history(hist, item):
    """DIN with -1e9 and a tf.where for rows without history."""
    table = layers.Embedding(13, 4)
    keys, query = table(hist), layers.Flatten()(table(item))

    def joined(q, k):
        wide = tf.tile(tf.expand_dims(q, 1), [1, 5, 1])
        return tf.concat([wide, k, wide - k, wide * k], axis=-1)

    logits = dense(1, None)(dense(8, "sigmoid")(Apply(joined)(query, keys)))

    def attend(h, s, k):
        mask = tf.not_equal(h, 0)
        s = tf.where(mask, tf.squeeze(s, -1), tf.fill(tf.shape(mask), -1.0e9))
        pooled = tf.reduce_sum(tf.expand_dims(tf.nn.softmax(s, axis=-1), -1) * k, axis=1)
        return tf.where(tf.reduce_any(mask, axis=1, keepdims=True), pooled, tf.zeros_like(pooled))

    return mmoe(layers.Concatenate()([query, Apply(attend)(hist, logits, keys)]))


@model("tf_length_mask", hist=history(5, 13), length=ids(6), item=ids(13))
def tf_length_mask(hist, length, item):
    """tf.sequence_mask of lengths."""
    table = layers.Embedding(13, 4)

    def pool(n, e):
        mask = tf.cast(tf.sequence_mask(tf.squeeze(n, 1), maxlen=5), tf.float32)
        return tf.reduce_sum(e * mask[:, :, tf.newaxis], axis=1)

    pooled = Apply(pool)(length, table(hist))
    return mmoe(layers.Concatenate()([pooled, layers.Flatten()(table(item))]))


@model("tf_smooth_step", x=numbers(8))
def tf_smooth_step(x):
    """DSelect-k's gate: a smooth step by tf.where, binary codes, a softmax over selectors."""
    gamma = 1.0

    def gate(z, w):
        low, high = tf.zeros_like(z), tf.ones_like(z)
        middle = -2 / gamma**3 * z**3 + 3 / (2 * gamma) * z + 0.5
        s = tf.where(z <= -gamma / 2, low, tf.where(z >= gamma / 2, high, middle))
        s = tf.reshape(s, [-1, 2, 1, 2])
        codes = tf.constant([[[[False, False], [False, True], [True, False], [True, True]]]])
        picked = tf.reduce_prod(tf.where(codes, s, 1 - s), axis=-1)
        return tf.reduce_sum(picked * tf.expand_dims(tf.nn.softmax(w), -1), axis=1)

    experts = layers.Lambda(lambda e: tf.stack(e, axis=1))([dense(6)(x) for _ in range(4)])
    weights = Apply(gate)(dense(4, None)(x), dense(2, None)(x))
    mixed = Apply(lambda g, e: tf.einsum("be,beh->bh", g, e))(weights, experts)
    return [dense(1, "sigmoid")(mixed) for _ in range(2)]


@model("tf_log_numbers", x=numbers(5), cat=fields(2, 11))
def tf_log_numbers(x, cat):
    """sign(x) log(1 + |x|) of numbers, beside embeddings."""
    small = layers.Lambda(lambda v: tf.sign(v) * tf.math.log(tf.abs(v) + 1))(x)
    return mmoe(layers.Concatenate()([small, layers.Flatten()(layers.Embedding(11, 3)(cat))]))


@model("tf_clean_numbers", x=numbers(5))
def tf_clean_numbers(x):
    """No NaN, clipped, a log of what is not below 0."""
    clean = layers.Lambda(lambda v: tf.where(tf.math.is_nan(v), tf.zeros_like(v), v))(x)
    return mmoe(layers.Lambda(lambda v: tf.math.log(1 + tf.clip_by_value(v, 0.0, 50.0)))(clean))


@model("tf_scenario_gather", x=numbers(8), domain=ids(3))
def tf_scenario_gather(x, domain):
    """A tower of each domain; the row's own by tf.gather with batch_dims."""
    h = dense(6)(x)
    stacked = layers.Lambda(lambda t: tf.concat(t, axis=1))([dense(1, "sigmoid")(h) for _ in range(3)])
    return [Apply(lambda s, d: tf.gather(s, tf.cast(d, tf.int32), batch_dims=1))(stacked, domain)]


@model("tf_recalibrated", x=numbers(8))
def tf_recalibrated(x):
    return [layers.Lambda(lambda p: p / (p + (1 - p) / 0.1))(score) for score in mmoe(x)]


@model("tf_aitm", cat=fields(4, 11))
def tf_aitm(cat):
    """The transfer between tasks by tensordot with bare weights and sqrt of a float."""

    class Transfer(layers.Layer):
        def build(self, shape):
            self.w = [self.add_weight(name=f"w{i}", shape=(6, 6)) for i in range(3)]

        def call(self, x):
            q, k, v = [tf.tensordot(x, w, axes=1) for w in self.w]
            a = tf.nn.softmax(tf.reduce_sum(q * k, axis=2) / tf.sqrt(6.0))
            return tf.reduce_sum(tf.expand_dims(a, 2) * v, axis=1)

    x = layers.Flatten()(layers.Embedding(11, 4)(cat))
    first, second = dense(6)(dense(8)(x)), dense(6)(dense(8)(x))
    both = Apply(lambda a, b: tf.concat([a[:, None, :], b[:, None, :]], axis=1))(second, dense(6)(first))
    return [dense(1, "sigmoid")(first), dense(1, "sigmoid")(Transfer()(both))]

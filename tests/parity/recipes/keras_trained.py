"""Weights of a Keras model that matter: its own begin too small for a few steps of training."""

import numpy as np


def spread(model, rng):
    model.set_weights([rng.normal(size=weights.shape) / np.sqrt(weights.shape[0] if weights.ndim > 1 else 4)
                       if weights.size > 1 else weights for weights in model.get_weights()])

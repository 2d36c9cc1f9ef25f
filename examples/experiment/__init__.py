"""What the experiments of this folder's siblings share: networks, training, the runtime's scores, figures."""

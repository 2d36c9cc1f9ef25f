"""Adam for many runs at a time, each with its own learning rate."""

import torch


class Adam:
    """Kingma and Ba, ICLR 2015, of parameters whose first axis is the run, as torch.optim.Adam computes it.

    learning_rates: [runs] or one number. Runs whose gradients are sums over their own loss only do not
    influence each other. weight_decays, [runs] or one number: decoupled, as of torch.optim.AdamW (Loshchilov
    and Hutter, ICLR 2019).
    """

    def __init__(self, parameters, learning_rates, betas=(0.9, 0.999), epsilon=1e-8, weight_decays=0.0):
        self.parameters = list(parameters)
        self.learning_rates = torch.as_tensor(learning_rates, dtype=torch.float32)
        self.weight_decays = torch.as_tensor(weight_decays, dtype=torch.float32)
        self.decays = bool(self.weight_decays.any())
        self.betas, self.epsilon, self.steps = betas, epsilon, 0
        self.means = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]

    def zero_grad(self):
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, factor=1.0):
        """One update; `factor` multiplies all learning rates (a schedule's)."""
        self.steps += 1
        first, second = self.betas
        unbias_mean, unbias_square = 1 - first ** self.steps, 1 - second ** self.steps
        for parameter, mean, square in zip(self.parameters, self.means, self.squares):
            gradient = parameter.grad
            mean.lerp_(gradient, 1 - first)
            square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
            denominator = square.sqrt().mul_(unbias_square ** -0.5).add_(self.epsilon)
            rates = per_run(self.learning_rates, parameter) * factor
            if self.decays:
                parameter.mul_(1 - rates * per_run(self.weight_decays, parameter))
            if self.learning_rates.dim() == 0:  # fewer passes over the memory
                parameter.addcdiv_(mean, denominator, value=-float(rates) / unbias_mean)
            else:
                parameter.addcmul_(torch.div(mean, denominator, out=denominator), rates / -unbias_mean)

    def state_dict(self):
        return {"steps": self.steps, "means": self.means, "squares": self.squares}

    def load_state_dict(self, state):
        self.steps, self.means, self.squares = state["steps"], state["means"], state["squares"]


def per_run(values, parameter):
    """values, [runs] or one number, shaped to multiply a parameter [runs, ...]."""
    return values if values.dim() == 0 else values.view(-1, *[1] * (parameter.dim() - 1))

"""Adam for many runs at a time, each with its own learning rate."""

import torch


class Adam:
    """Kingma and Ba, ICLR 2015, of parameters whose first axis is the run, as torch.optim.Adam computes it.

    learning_rates: [runs] or one number. Runs whose gradients are sums over their own loss only do not
    influence each other.
    """

    def __init__(self, parameters, learning_rates, betas=(0.9, 0.999), epsilon=1e-8):
        self.parameters = list(parameters)
        self.learning_rates = torch.as_tensor(learning_rates, dtype=torch.float32)
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
            if self.learning_rates.dim() == 0:  # fewer passes over the memory
                parameter.addcdiv_(mean, denominator, value=-float(self.learning_rates) * factor / unbias_mean)
            else:
                rates = self.rates_for(parameter) * (-factor / unbias_mean)
                parameter.addcmul_(torch.div(mean, denominator, out=denominator), rates)

    def rates_for(self, parameter):
        if self.learning_rates.dim() == 0:
            return self.learning_rates
        return self.learning_rates.view(-1, *[1] * (parameter.dim() - 1))

    def state_dict(self):
        return {"steps": self.steps, "means": self.means, "squares": self.squares}

    def load_state_dict(self, state):
        self.steps, self.means, self.squares = state["steps"], state["means"], state["squares"]

"""Training steps of PyTorch, for `deno task bench`: one line on standard input, `NAME STEPS`, is answered by the
milliseconds of a step. The nets are those of bench/nets.ts."""

import math
import re
import sys
import time

import torch
from torch import nn


class SharedDropout(nn.Module):
    """One mask for the batch: the other axes are drawn, this one is stretched."""

    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def forward(self, x):
        return x * nn.functional.dropout(torch.ones(1, *x.shape[1:]), self.rate, self.training)


def mlp(drop=nn.Dropout):
    layers = [drop(0.2)]
    for inputs, units in [(784, 1024), (1024, 1024), (1024, 1024)]:
        layers += [nn.Linear(inputs, units), nn.ReLU(), drop(0.5)]
    return nn.Sequential(*layers, nn.Linear(1024, 10)), torch.rand(128, 784), 10


def mlp_shared():
    return mlp(SharedDropout)


def small():
    return (
        nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)),
        torch.rand(32, 784),
        10,
    )


def lenet():
    return (
        nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(400, 120), nn.Tanh(), nn.Dropout(0.5), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
        ),
        torch.rand(128, 1, 28, 28),
        10,
    )


def cifar():
    layers = [nn.Dropout(0.1)]
    for inputs, channels, rate in [(3, 96, 0.25), (96, 128, 0.25), (128, 256, 0.5)]:
        layers += [nn.Conv2d(inputs, channels, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Dropout(rate)]
    layers += [nn.Flatten(), nn.Linear(256 * 9, 2048), nn.ReLU(), nn.Dropout(0.5)]
    layers += [nn.Linear(2048, 2048), nn.ReLU(), nn.Dropout(0.5), nn.Linear(2048, 10)]
    return nn.Sequential(*layers), torch.rand(64, 3, 32, 32), 10


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10000, 650)
        self.drop = nn.Dropout(0.5)
        self.lstm = nn.LSTM(650, 650, 2, dropout=0.5, batch_first=True)
        self.out = nn.Linear(650, 10000)

    def forward(self, x):
        return self.out(self.drop(self.lstm(self.drop(self.embedding(x)))[0]))


class Encoder(nn.Module):
    def __init__(self, time, width=256):
        super().__init__()
        self.embedding = nn.Embedding(1000, width)
        position = torch.arange(time).unsqueeze(1)
        scale = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        table = torch.zeros(time, width)
        table[:, 0::2] = torch.sin(position * scale)
        table[:, 1::2] = torch.cos(position * scale)
        self.register_buffer("table", table)
        self.drop = nn.Dropout(0.1)
        layer = nn.TransformerEncoderLayer(width, 8, 1024, 0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 6)
        self.out = nn.Linear(width, 1000)

    def forward(self, x):
        return self.out(self.encoder(self.drop(self.embedding(x) + self.table)))


def lstm():
    return Words(), torch.randint(10000, (20, 35)), 10000


def transformer():
    return Encoder(128), torch.randint(1000, (16, 128)), 1000


class Step:
    def __init__(self, make):
        self.model, self.x, self.classes = make()
        self.model.train()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        self.loss = nn.CrossEntropyLoss()
        self.labels = None

    def __call__(self):
        y = self.model(self.x).reshape(-1, self.classes)
        if self.labels is None:
            self.labels = torch.arange(y.shape[0]) % self.classes
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(y, self.labels).backward()
        self.optimizer.step()


class Attention:
    """Causal attention alone, forward and backward, with dropout on its weights."""

    def __init__(self):
        self.inputs = [torch.randn(4, 8, 1024, 64, requires_grad=True) for _ in range(3)]
        self.dy = torch.randn(4, 8, 1024, 64)

    def __call__(self):
        for x in self.inputs:
            x.grad = None
        attention = getattr(nn.functional, "scaled_dot_product_attention", self.composed)
        attention(*self.inputs, dropout_p=0.1, is_causal=True).backward(self.dy)

    @staticmethod
    def composed(q, k, v, dropout_p, is_causal):
        """For versions that have no such function."""
        hidden = torch.ones(1024, 1024, dtype=torch.bool).triu(1)
        scores = (q @ k.transpose(-2, -1) / 8).masked_fill(hidden, -math.inf)
        return nn.functional.dropout(scores.softmax(-1), dropout_p) @ v


def blas():
    found = re.search(r"BLAS_INFO=(\w+)", torch.__config__.show())
    return found.group(1) if found else "unknown"


def main():
    torch.set_num_threads(int(sys.argv[1]))
    print(f"PyTorch {torch.__version__}, BLAS {blas()}, threads: {torch.get_num_threads()}", flush=True)
    makers = {
        "mlp": mlp,
        "mlp-shared": mlp_shared,
        "small": small,
        "lenet": lenet,
        "cifar": cifar,
        "lstm": lstm,
        "transformer": transformer,
    }
    steps = {}
    for line in sys.stdin:
        name, count = line.split()
        if name not in makers and name != "attention":
            print("none", flush=True)
            continue
        if name not in steps:
            steps = {name: Attention() if name == "attention" else Step(makers[name])}  # one net at a time in memory
            steps[name]()
        start = time.perf_counter()
        for _ in range(int(count)):
            steps[name]()
        print((time.perf_counter() - start) * 1000 / int(count), flush=True)


main()

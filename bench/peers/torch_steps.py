"""Training steps of PyTorch, for `deno task bench`: one line on standard input, `NAME STEPS`, is answered by the
milliseconds of a step. The nets are those of bench/nets.ts."""

import math
import sys
import time

import torch
from torch import nn


def mlp():
    layers = [nn.Dropout(0.2)]
    for inputs, units in [(784, 1024), (1024, 1024), (1024, 1024)]:
        layers += [nn.Linear(inputs, units), nn.ReLU(), nn.Dropout(0.5)]
    return nn.Sequential(*layers, nn.Linear(1024, 10)), torch.rand(128, 784), 10


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


def main():
    torch.set_num_threads(int(sys.argv[1]))
    print("torch", torch.__version__, flush=True)
    makers = {"mlp": mlp, "lenet": lenet, "cifar": cifar, "lstm": lstm, "transformer": transformer}
    steps = {}
    for line in sys.stdin:
        name, count = line.split()
        if name not in steps:
            steps = {name: Step(makers[name])}  # one net at a time in memory
            steps[name]()
        start = time.perf_counter()
        for _ in range(int(count)):
            steps[name]()
        print((time.perf_counter() - start) * 1000 / int(count), flush=True)


main()

"""PyTorch's side of bench/peers/torch_weights.ts: nets of the same names, which load the weights that a folder holds for them
and are compared with the outputs that lie beside them."""

import json
import math
import sys
from pathlib import Path

import torch
from torch import nn

TYPES = {"F32": torch.float32, "F64": torch.float64, "I32": torch.int32}


def load(path):
    """The tensors of a safetensors file: the length of a JSON header, the header, the numbers."""
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, _ = entry["data_offsets"]
        count = math.prod(entry["shape"])
        tensor = torch.frombuffer(data, dtype=TYPES[entry["dtype"]], count=count, offset=8 + size + begin)
        tensors[name] = tensor.reshape(entry["shape"]).clone()
    return tensors


def both(name):
    return {
        "encoder": lambda **more: nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, **more),
        "decoder": lambda **more: nn.TransformerDecoderLayer(8, 2, 12, batch_first=True, **more),
    }[name]


def first(layer):
    """A layer that gives its output beside its states."""
    return layer, lambda x: layer(x)[0]


def same(layer):
    return layer, layer


def attention():
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    return layer, lambda x: layer(x, x, x, need_weights=False)[0]


def decoder():
    layer = both("decoder")()
    return layer, lambda x, memory: layer(
        x, memory, tgt_mask=nn.Transformer.generate_square_subsequent_mask(x.shape[1]), tgt_is_causal=True
    )


NETS = {
    "mlp": lambda: same(
        nn.Sequential(
            nn.Linear(12, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 5)
        )
    ),
    "classic": lambda: same(
        nn.Sequential(nn.Dropout(0.3), nn.Linear(12, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 5))
    ),
    "cnn": lambda: same(
        nn.Sequential(
            nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, groups=4, bias=False, dilation=2, padding=2), nn.GroupNorm(2, 8), nn.LeakyReLU(),
            nn.AvgPool2d(2), nn.Flatten(), nn.Linear(32, 5),
        )
    ),
    "signal": lambda: same(nn.Sequential(nn.Conv1d(2, 6, 3, stride=2), nn.GELU(), nn.Flatten(), nn.Linear(42, 3))),
    "volume": lambda: same(nn.Sequential(nn.Conv3d(2, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))),
    "rnn": lambda: first(nn.RNN(8, 6, bidirectional=True, batch_first=True)),
    "gru": lambda: first(nn.GRU(8, 6, 2, bidirectional=True, dropout=0.5, batch_first=True)),
    "lstm": lambda: first(nn.LSTM(8, 6, 2, dropout=0.5, batch_first=True)),
    "embedding": lambda: same(nn.Sequential(nn.Embedding(10, 6), nn.LayerNorm(6))),
    "attention": attention,
    "encoder": lambda: same(both("encoder")()),
    "prenorm": lambda: same(both("encoder")(norm_first=True, activation="gelu")),
    "decoder": decoder,
}

folder = Path(sys.argv[1])
failed = False
for name, make in NETS.items():
    layer, run = make()
    layer.load_state_dict(load(folder / f"{name}.safetensors"), strict=True)
    layer.eval()
    tensors = load(folder / f"{name}.run.safetensors")
    expected = tensors.pop("output")
    with torch.no_grad():
        output = run(*[tensors[key] for key in sorted(tensors)])
    error = (output - expected).abs().max().item() if output.shape == expected.shape else math.inf
    failed |= not error <= 1e-5
    print(f"{name}: {error:.1e}")
print(f"torch {torch.__version__}: {'some nets differ' if failed else 'all nets give the same, to 1e-5'}")
sys.exit(1 if failed else 0)

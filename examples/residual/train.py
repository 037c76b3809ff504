"""Trains the ResNet-18 of `cifar_resnet18.py` and writes a log: one line of JSON for each epoch.

    python examples/residual/train.py --log train.jsonl                        pictures made up here, nothing else needed
    python examples/residual/train.py --data cifar-10-batches-bin --epochs 30  CIFAR-10 in its binary version, from your disk

Nothing is downloaded. With the same options and seed the log is the same on the same machine.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import torch
from cifar_resnet18 import model
from torch import Tensor, nn
from torch.nn import functional

CLASSES, SIDE = 10, 32
RECORD = 1 + 3 * SIDE * SIDE  # a label, then the picture's red, green and blue rows


def read_cifar(files: list[Path]) -> tuple[Tensor, Tensor]:
    """Pictures (n × 3 × 32 × 32, from −1 to 1) and labels of files in CIFAR-10's binary version."""
    data = b"".join(file.read_bytes() for file in files)
    if not data or len(data) % RECORD:
        raise SystemExit(
            f"{', '.join(map(str, files)) or 'no files'}: not records of {RECORD} bytes as in CIFAR-10's binary version"
        )
    records = torch.frombuffer(bytearray(data), dtype=torch.uint8).view(-1, RECORD)
    return records[:, 1:].reshape(-1, 3, SIDE, SIDE).float() / 127.5 - 1, records[:, 0].long()


def make_up(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures of stripes in noise: the class is the direction of the stripes, their phase and colours are random."""
    labels = torch.randint(CLASSES, (count,), generator=generator)
    angle = labels * math.pi / CLASSES
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    along = torch.cos(angle)[:, None, None] * columns + torch.sin(angle)[:, None, None] * rows
    phase = 2 * math.pi * torch.rand(count, 1, 1, generator=generator)
    colour = torch.randn(count, 3, 1, 1, generator=generator)
    noise = torch.randn(count, 3, SIDE, SIDE, generator=generator)
    return colour * torch.sin(along * 2 * math.pi / 8 + phase)[:, None] + 0.5 * noise, labels


def varied(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Each batch moved by up to four pixels, half of the batches mirrored: for photographs, not for stripes."""
    top, left = torch.randint(9, (2,), generator=generator).tolist()
    moved = functional.pad(pictures, (4, 4, 4, 4))[:, :, top : top + SIDE, left : left + SIDE]
    return moved.flip(3) if torch.rand((), generator=generator) < 0.5 else moved


@torch.no_grad()
def judged(net: nn.Module, pictures: Tensor, labels: Tensor, batch: int) -> tuple[float, float]:
    """Mean loss and accuracy on pictures the network does not learn from."""
    net.eval()
    scores = torch.cat([net(part) for part in pictures.split(batch)])
    return functional.cross_entropy(scores, labels).item(), (scores.argmax(1) == labels).float().mean().item()


def main(words: list[str] | None = None) -> None:
    """Trains; prints each line of the log, too."""
    parser = argparse.ArgumentParser(description="Train a ResNet-18 and write a log.")
    parser.add_argument("--data", type=Path, help="folder with data_batch_1.bin … test_batch.bin; else pictures are made up")
    parser.add_argument("--log", type=Path, default=Path("train.jsonl"))
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.1, help="learning rate at the start; it falls to 0 as a cosine does")
    parser.add_argument("--width", type=int, default=64, help="maps of the first stage")
    parser.add_argument("--pictures", type=int, default=2000, help="how many are made up")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(words)
    torch.manual_seed(given.seed)
    generator = torch.Generator().manual_seed(given.seed)
    if given.data:
        pictures, labels = read_cifar(sorted(given.data.glob("data_batch_*.bin")))
        unseen, answers = read_cifar([given.data / "test_batch.bin"])
    else:
        pictures, labels = make_up(given.pictures, generator)
        unseen, answers = make_up(max(given.pictures // 4, 1), generator)
    net = model(given.width)
    optimizer = torch.optim.SGD(net.parameters(), given.rate, momentum=0.9, weight_decay=5e-4)
    steps = given.epochs * math.ceil(len(labels) / given.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with given.log.open("w", encoding="utf-8") as log:
        for epoch in range(1, given.epochs + 1):
            net.train()
            total, right = 0.0, 0
            rate = schedule.get_last_lr()[0]
            for chosen in torch.randperm(len(labels), generator=generator).split(given.batch):
                batch = varied(pictures[chosen], generator) if given.data else pictures[chosen]
                scores = net(batch)
                loss = functional.cross_entropy(scores, labels[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item() * len(chosen)
                right += int((scores.argmax(1) == labels[chosen]).sum())
            test_loss, test_accuracy = judged(net, unseen, answers, given.batch)
            line = {
                "epoch": epoch, "rate": rate, "loss": total / len(labels), "accuracy": right / len(labels),
                "test_loss": test_loss, "test_accuracy": test_accuracy,
            }  # fmt: skip
            text = json.dumps({key: round(value, 6) if isinstance(value, float) else value for key, value in line.items()})
            print(text)
            print(text, file=log, flush=True)


if __name__ == "__main__":
    main()

"""Writes a tiny random model for llama.cpp: `python tiny_gguf.py FILE`. What it says is noise."""

from __future__ import annotations

import random
import struct
import sys
from array import array
from pathlib import Path
from typing import Any

WIDTH, HIDDEN, LAYERS, HEADS, CONTEXT = 64, 128, 2, 4, 16_384
ALIGNMENT = 32
# what a grammar of JSON is written with, and the letters, as whole tokens; the rest of the bytes by number
SPECIALS = ["<unk>", "<s>", "</s>"]
NORMAL = ["▁", *(chr(code) for code in range(33, 127)), '":', '",', '{"', '"}', "good", "bad", "unknown"]  # fmt: skip
TOKENS = [*SPECIALS, *(f"<0x{byte:02X}>" for byte in range(256)), *NORMAL]
KINDS = [2, 3, 3, *[6] * 256, *[1] * len(NORMAL)]
UINT32, FLOAT32, STRING, ARRAY, INT32 = 4, 6, 8, 9, 5


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def scalar(kind: int, value: Any) -> bytes:
    if kind == STRING:
        return text(value)
    return struct.pack({UINT32: "<I", FLOAT32: "<f", INT32: "<i"}[kind], value)


def entry(name: str, kind: int, value: Any) -> bytes:
    if isinstance(value, list):
        head = struct.pack("<IIQ", ARRAY, kind, len(value))
        return text(name) + head + b"".join(scalar(kind, item) for item in value)
    return text(name) + struct.pack("<I", kind) + scalar(kind, value)


def entries() -> list[bytes]:
    return [
        entry("general.architecture", STRING, "llama"),
        entry("general.name", STRING, "tiny"),
        entry("general.alignment", UINT32, ALIGNMENT),
        entry("llama.context_length", UINT32, CONTEXT),
        entry("llama.embedding_length", UINT32, WIDTH),
        entry("llama.block_count", UINT32, LAYERS),
        entry("llama.feed_forward_length", UINT32, HIDDEN),
        entry("llama.attention.head_count", UINT32, HEADS),
        entry("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-5),
        entry("llama.rope.dimension_count", UINT32, WIDTH // HEADS),
        entry("tokenizer.ggml.model", STRING, "llama"),
        entry("tokenizer.ggml.tokens", STRING, TOKENS),
        entry("tokenizer.ggml.scores", FLOAT32, [-float(n) for n in range(len(TOKENS))]),
        entry("tokenizer.ggml.token_type", INT32, KINDS),
        entry("tokenizer.ggml.unknown_token_id", UINT32, 0),
        entry("tokenizer.ggml.bos_token_id", UINT32, 1),
        entry("tokenizer.ggml.eos_token_id", UINT32, 2),
    ]


def shapes() -> dict[str, tuple[int, ...]]:
    """The tensors: what is fastest first, as the format wants it."""
    whole = {"token_embd": (WIDTH, len(TOKENS)), "output_norm": (WIDTH,), "output": (WIDTH, len(TOKENS))}  # fmt: skip
    square, up, down = (WIDTH, WIDTH), (WIDTH, HIDDEN), (HIDDEN, WIDTH)
    layer = {
        "attn_norm": (WIDTH,), "attn_q": square, "attn_k": square, "attn_v": square, "attn_output": square,
        "ffn_norm": (WIDTH,), "ffn_gate": up, "ffn_up": up, "ffn_down": down,
    }  # fmt: skip
    layers = {f"blk.{n}.{name}": shape for n in range(LAYERS) for name, shape in layer.items()}
    return {f"{name}.weight": shape for name, shape in (whole | layers).items()}


def weights(name: str, shape: tuple[int, ...], chance: random.Random) -> array[float]:
    if len(shape) == 1:
        return array("f", [1.0] * shape[0])
    values = array("f", (chance.gauss(0, 0.2) for _ in range(shape[0] * shape[1])))
    if name == "output.weight":
        # single bytes are never the likeliest token: they would make broken UTF-8
        first = len(SPECIALS) * WIDTH
        values[first : first + 256 * WIDTH] = array("f", bytes(4 * 256 * WIDTH))
    return values


def main(path: str) -> None:
    chance = random.Random(7)
    told, heads, data, at = entries(), [], [], 0
    for name, shape in shapes().items():
        values = weights(name, shape, chance)
        heads.append(text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, at))
        data.append(values.tobytes() + b"\0" * (-4 * len(values) % ALIGNMENT))
        at += len(data[-1])
    head = b"GGUF" + struct.pack("<IQQ", 3, len(heads), len(told)) + b"".join(told + heads)
    Path(path).write_bytes(head + b"\0" * (-len(head) % ALIGNMENT) + b"".join(data))


if __name__ == "__main__":
    main(sys.argv[1])

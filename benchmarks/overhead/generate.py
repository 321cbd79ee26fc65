"""What recording costs `generate()` of a model in the process: a small one with made-up weights, on the CPU.

With clearspan and without take turns in one process, so that whatever else the machine does hits both alike.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

TURNS = 40
TOKENS = 48


def model() -> Any:
    """A small GPT-2 that nobody trained."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    torch.set_num_threads(1)
    shape = GPT2Config(n_layer=6, n_head=8, n_embd=512, vocab_size=8_192)
    return GPT2LMHeadModel(shape).eval()


def main() -> dict[str, float]:
    """Seconds of a call with and without, and the ratio of their medians."""
    import torch

    import clearspan
    from benchmarks.overhead.variants import spans_to

    made = model()
    prompt = torch.arange(32).unsqueeze(0)
    clearspan.init(exporters=[spans_to("discard")], providers=[], hardware="off")
    times: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(2 * TURNS):
        recorded = turn % 2 == 0
        undo = clearspan.instrument("transformers").undo if recorded else tuple
        began = time.process_time()
        made.generate(
            prompt, max_new_tokens=TOKENS, min_new_tokens=TOKENS, do_sample=False, pad_token_id=0
        )
        times[recorded].append(time.process_time() - began)
        undo()
    found = {recorded: statistics.median(some[2:]) for recorded, some in times.items()}
    clearspan.shutdown(60)
    return {"with": found[True], "without": found[False], "ratio": found[True] / found[False]}


if __name__ == "__main__":
    print(json.dumps(main()))

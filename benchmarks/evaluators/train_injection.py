"""Train the linear model of `prompt_injection`: `python -m benchmarks.evaluators.train_injection [FOLDER] [--write]`.

Needs scikit-learn, numpy and openai. Prints, per kind, the share that is flagged by the whole evaluator with a model that has not
seen the group (ten folds over `group`), then with `--write` trains on everything and writes the weights beside the evaluator.
The same seed, data and versions give the same bytes.
"""

from __future__ import annotations

import ast
import inspect
import json
import platform
import sys
from array import array
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy
import openai
import sklearn
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from benchmarks.evaluators.__main__ import FOLDER
from benchmarks.evaluators.figure import rows, verdicts
from benchmarks.evaluators.injection_halves import own_half
from benchmarks.evaluators.injection_samples import ATTACKS, HARMLESS
from benchmarks.evaluators.injection_talk import TALK
from clearspan.core.clear_text import clear
from clearspan.evaluators.injection import evaluator, model

SEED, FOLDS, STRENGTH = 20261121, 10, 80.0
ATTACK = 2.0  # how much an attack weighs in training, a harmless text 1
MOST = 0.9998  # the share of the weights that fit into their steps; the few larger ones are cut
MODULES = (
    *("argparse", "cmd", "configparser", "email.message", "getpass", "html.parser", "http.client", "logging", "optparse", "shlex", "string", "subprocess", "textwrap", "typing", "unittest.mock", "urllib.request"),
    *(f"openai.resources.{name}" for name in ("chat.completions.completions", "responses.responses", "beta.threads.runs.runs", "images", "embeddings", "moderations", "conversations.conversations", "realtime.realtime", "audio.speech")),
)  # fmt: skip
# a request in the middle of a passage has no wording of its own: it is left to its rule
LEFT_OUT = ("indirect",)


def samples(folder: Path) -> list[dict[str, Any]]:
    """The labelled rows, and the sentences of our own, each its own group."""
    own = [
        {"text": line, "label": label, "kind": "own", "group": f"own-{label}-{place}"}
        for label, text in ((1, ATTACKS), (0, HARMLESS + TALK))
        for place, line in enumerate(text.splitlines())
    ]
    return [*rows(folder, "injection"), *own, *_tuned(), *around()]


def _tuned() -> list[dict[str, Any]]:
    """The half of our own requests and attacks that may be learned from."""
    halves = ((1, own_half("attacks", "tuned")), (0, own_half("ordinary", "tuned")))
    return [
        {"text": line, "label": label, "kind": "own", "group": f"request-{label}-{place}"}
        for label, lines in halves
        for place, line in enumerate(lines)
    ]


def around() -> list[dict[str, Any]]:
    """Prose of programmers, which nobody attacks with: docstrings of Python's library and of OpenAI's, whole and in parts."""
    said: dict[str, str] = {}
    for name in MODULES:
        for node in ast.walk(ast.parse(inspect.getsource(import_module(name)))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)):
                whole = ast.get_docstring(node) or ""
                said.update(dict.fromkeys([whole, *whole.split("\n\n")], name))
    kept = ((text.strip(), name) for text, name in said.items() if len(text.strip()) > 60)
    return [{"text": text, "label": 0, "kind": "prose", "group": name} for text, name in kept]


def matrix(texts: list[str]) -> Any:
    """One row a text: each of its buckets with 1 / sqrt(how many)."""
    pointers, places, values = [0], [], []
    for text in texts:
        found = sorted(model.buckets(text))
        places += found
        values += [1 / numpy.sqrt(len(found))] * len(found) if found else []
        pointers.append(len(places))
    return csr_matrix((values, places, pointers), shape=(len(texts), 1 << model.BITS))


def telling(given: Any, labels: Any) -> Any:
    """How much each bucket tells, either way: the size of the log ratio of its shares (Wang and Manning 2012), 1 on average."""
    met = [1 + numpy.asarray((given[labels == one] > 0).sum(axis=0)).ravel() for one in (1, 0)]
    ratio = numpy.abs(numpy.log((met[0] / met[0].sum()) / (met[1] / met[1].sum())))
    return ratio / ratio.mean()


def trained(texts: list[str], labels: list[int]) -> model.Model:
    """Logistic regression (L2) on buckets scaled by what they tell, its weights in 127 steps either way."""
    given, true = matrix(texts), numpy.array(labels)
    scaled = telling(given, true)
    fitted = LogisticRegression(C=STRENGTH, solver="liblinear", random_state=SEED, max_iter=1000, class_weight={0: 1.0, 1: ATTACK})  # fmt: skip
    fitted.fit(given @ diags(scaled), true)
    exact = fitted.coef_[0] * scaled
    scale = float(numpy.quantile(numpy.abs(exact[exact != 0]), MOST)) / 127
    steps = numpy.clip(numpy.rint(exact / scale), -127, 127).astype(numpy.int8)
    return model.Model(array("b", steps.tobytes()), scale, float(fitted.intercept_[0]))


def fit(given: list[dict[str, Any]]) -> model.Model:
    """The model of these samples, by windows as they will be judged."""
    pieces = [
        (clear(piece), row["label"])
        for row in given
        if row["kind"] not in LEFT_OUT
        for piece in evaluator.windows(row["text"])
    ]
    texts, labels = map(list, zip(*pieces, strict=True))
    return trained(texts, labels)


def crossed(given: list[dict[str, Any]]) -> list[float]:
    """The risk of each sample by a model that has not seen its group."""
    risks = [0.0] * len(given)
    folds = GroupKFold(FOLDS, shuffle=True, random_state=SEED)
    for seen, unseen in folds.split(given, groups=[row["group"] for row in given]):
        part = fit([given[place] for place in seen])
        for place in unseen:
            risks[place] = evaluator.judged(given[place]["text"], part).risk
    return risks


def told(given: list[dict[str, Any]], risks: list[float]) -> dict[str, float]:
    """Precision and recall of the labelled rows, and the share of each kind that is flagged.

    The rule for requests in passages was written with its rows at hand and cannot be folded: recall is told without them too.
    """
    flagged: dict[str, list[bool]] = defaultdict(list)
    for row, risk in zip(given, risks, strict=True):
        flagged[_named(row)].append(risk >= 0.5)
    pairs = [(row["kind"], risk >= 0.5, row["label"] == 1) for row, risk in zip(given, risks, strict=True) if row["kind"] not in ("own", "prose")]  # fmt: skip
    _, said, true = zip(*pairs, strict=True)
    precision, recall, _ = verdicts(said, true)
    rest = [hit for kind, hit, label in pairs if label and kind not in LEFT_OUT]
    shares = {kind: round(sum(hits) / len(hits), 4) for kind, hits in sorted(flagged.items())}
    return {
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "recall without indirect": round(sum(rest) / len(rest), 4),
        **shares,
    }


def _named(row: dict[str, Any]) -> str:
    if row["kind"] in LEFT_OUT:
        return f"{row['kind']} (rule, in sample)"
    return f"{row['kind']} {row['label']}" if row["kind"] == "own" else row["kind"]


def main(arguments: list[str]) -> None:
    folder = Path(next((one for one in arguments if not one.startswith("-")), FOLDER))
    given = samples(folder)
    scores = told(given, crossed(given))
    for what, value in scores.items():
        print(f"{what:24} {value:.3f}")
    if "--write" not in arguments:
        return
    final = fit(given)
    home = Path(evaluator.__file__).with_name("weights.bin")
    home.write_bytes(final.weights.tobytes())
    header = {
        "scale": final.scale,
        "bias": final.bias,
        "bits": model.BITS,
        "seed": SEED,
        "folds": FOLDS,
        "strength": STRENGTH,
        "attack_weight": ATTACK,
        "left_out": LEFT_OUT,
        "samples": len(given),
        "trained_with": {
            "python": platform.python_version(),
            "openai": openai.__version__,
            "scikit-learn": sklearn.__version__,
            "numpy": numpy.__version__,
        },
        "cross_validated": scores,
    }
    home.with_suffix(".json").write_text(json.dumps(header, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

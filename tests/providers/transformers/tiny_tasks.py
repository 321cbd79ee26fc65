"""A tiny pipeline for every task, made on the spot with random weights: nothing is downloaded."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from tests.providers.transformers import tiny, tiny_media as media, tiny_parts as parts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.providers.transformers.tiny_parts import Build

NEEDS: dict[str, tuple[str, ...]] = {
    "any-to-any": ("torchvision",),
    "mask-generation": ("torchvision",),
    "table-question-answering": ("pandas",),
    "video-classification": ("av",),
}
"""Packages that the library itself demands for a task, beside Pillow."""


def missing(task: str) -> list[str]:
    """What would have to be installed for this task."""
    wanted = ("PIL", *NEEDS.get(task, ()))
    return [name for name in wanted if importlib.util.find_spec(name) is None]


# -- text ------------------------------------------------------------------------------------


def _bert(task: str, head: str, inputs: Any, operation: str, **more: Any) -> Build:
    options = more.pop("options", {})

    def build(folder: Path) -> parts.Task:
        pipe = parts.pipe(task, tiny.bert(head, **more), tokenizer=tiny.tokenizer("right"))
        return parts.Task(pipe, inputs, options, operation)

    return build


def _completion(task: str, **options: Any) -> Build:
    def build(folder: Path) -> parts.Task:
        pipe = parts.pipe(task, tiny.t5(), tokenizer=tiny.tokenizer("right"))
        limits = {"max_new_tokens": 4, "do_sample": False, **options}
        return parts.Task(pipe, "hello world how are you", limits, "text_completion", True)

    return build


def text_generation(folder: Path) -> parts.Task:
    pipe = parts.pipe("text-generation", tiny.llama(), tokenizer=tiny.tokenizer())
    options = {"max_new_tokens": 4, "do_sample": False}
    return parts.Task(pipe, "hello world", options, "text_completion", True)


def decision(folder: Path) -> parts.Task:
    from transformers.decision import DecisionConfig

    template = "{{ state }} {{ question.instructions }}"
    config = DecisionConfig(labels={"noul": ["one", "two"]}, chat_template=template)
    pipe = parts.pipe("decision", tiny.llama(), tokenizer=tiny.tokenizer(), decision_config=config)
    question = {"type": "noul", "instructions": "is the answer forty-two"}
    return parts.Task(pipe, {"state": "hello world", "questions": {"q": question}}, {}, "decision")


def table(folder: Path) -> parts.Task:
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "[EMPTY]",
        "how",
        "many",
        "city",
        "people",
    ]
    (folder / "vocab.txt").write_text("\n".join([*words, "paris", "rome", "2", "3", "##0"]))
    tokenizer = parts.library().TapasTokenizer(str(folder / "vocab.txt"), model_max_length=64)
    model = parts.model(
        "TapasForQuestionAnswering", "TapasConfig",
        **parts.SMALL, vocab_size=len(tokenizer), max_position_embeddings=64, num_aggregation_labels=0,
        type_vocab_sizes=[3, 64, 64, 64, 64, 64, 10],
    )  # fmt: skip
    pipe = parts.pipe("table-question-answering", model, tokenizer=tokenizer)
    rows = {"city": ["paris", "rome"], "people": ["2", "3"]}
    return parts.Task(
        pipe, {"table": rows, "query": "how many people"}, {}, "table_question_answering"
    )


def document(folder: Path) -> parts.Task:
    tokenizer = tiny.tokenizer("right")
    model = parts.model(
        "LayoutLMForQuestionAnswering", "LayoutLMConfig",
        **parts.SMALL, **parts.vocab(), max_position_embeddings=256,
    )  # fmt: skip
    pipe = parts.pipe("document-question-answering", model, tokenizer=tokenizer)
    boxes = [("hello", [0, 0, 10, 10]), ("world", [10, 0, 20, 10]), ("one", [20, 0, 30, 10])]
    asked = {"image": None, "question": "how are you", "word_boxes": boxes}
    return parts.Task(pipe, asked, {"max_seq_len": 16}, "document_question_answering")


def question(folder: Path) -> parts.Task:
    pipe = parts.pipe(
        "question-answering",
        tiny.bert("BertForQuestionAnswering"),
        tokenizer=tiny.tokenizer("right"),
    )
    asked = {"question": "how are you", "context": "hello world one two three " * 12}
    options = {"max_seq_len": 32, "doc_stride": 8}
    return parts.Task(pipe, asked, options, "question_answering")


TASKS: dict[str, Build] = {
    "text-generation": text_generation,
    "text2text-generation": _completion("text2text-generation"),
    "summarization": _completion("summarization", max_length=20, min_length=1),
    "translation": _completion("translation_en_to_fr"),
    "feature-extraction": _bert("feature-extraction", "BertModel", "hello world", "embeddings"),
    "text-classification": _bert(
        "text-classification", "BertForSequenceClassification", "hello world", "text_classification",
        options={"top_k": None},
    ),
    "token-classification": _bert(
        "token-classification", "BertForTokenClassification", "hello world", "token_classification"
    ),
    "fill-mask": _bert("fill-mask", "BertForMaskedLM", "hello [MASK] you", "fill_mask"),
    "zero-shot-classification": _bert(
        "zero-shot-classification", "BertForSequenceClassification", "hello world",
        "zero_shot_classification", options={"candidate_labels": parts.LABELS},
        label2id={"entailment": 0, "contradiction": 1}, id2label={0: "entailment", 1: "contradiction"},
    ),
    "question-answering": question,
    "table-question-answering": table,
    "document-question-answering": document,
    "visual-question-answering": media.visual_question,
    "decision": decision,
    "image-classification": media.vision(
        "image-classification", "ViTForImageClassification", "ViTConfig", "ViTImageProcessor", "image_classification"
    ),
    "image-feature-extraction": media.vision(
        "image-feature-extraction", "ViTModel", "ViTConfig", "ViTImageProcessor", "embeddings"
    ),
    "image-segmentation": media.vision(
        "image-segmentation", "SegformerForSemanticSegmentation", "SegformerConfig", "SegformerImageProcessor",
        "image_segmentation", num_encoder_blocks=2, depths=[1, 1], sr_ratios=[2, 1], hidden_sizes=[16, 32],
        patch_sizes=[7, 3], strides=[4, 2], num_attention_heads=[2, 2], mlp_ratios=[2, 2], decoder_hidden_size=16,
    ),
    "object-detection": media.vision(
        "object-detection", "YolosForObjectDetection", "YolosConfig", "YolosImageProcessor", "object_detection",
        options={"threshold": 0.0}, **{**parts.VISION, "image_size": [32, 32], "num_detection_tokens": 4},
    ),
    "depth-estimation": media.vision(
        "depth-estimation", "GLPNForDepthEstimation", "GLPNConfig", "GLPNImageProcessor", "depth_estimation",
        num_encoder_blocks=4, depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 16, 32], num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
    ),
    "video-classification": media.video,
    "mask-generation": media.masks,
    "keypoint-matching": media.keypoints,
    "image-to-image": media.redrawn,
    "image-to-text": media.captions,
    "image-text-to-text": media.llava("image-text-to-text"),
    "any-to-any": media.llava("any-to-any"),
    "zero-shot-image-classification": media.clip,
    "zero-shot-object-detection": media.owl,
    "zero-shot-audio-classification": media.clap,
    "audio-classification": media.listening,
    "automatic-speech-recognition": media.hearing,
    "text-to-audio": media.speaking,
}  # fmt: skip

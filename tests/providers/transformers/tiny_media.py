"""Tiny pipelines for pictures, sound, and both with text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.providers.transformers import tiny, tiny_parts as parts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.providers.transformers.tiny_parts import Build

torch: Any = pytest.importorskip("torch", reason="torch is not installed")

# -- pictures --------------------------------------------------------------------------------


def vision(
    task: str, head: str, config: str, processor: str, operation: str, **sizes: Any
) -> Build:
    options = sizes.pop("options", {})

    def build(folder: Path) -> parts.Task:
        model = parts.model(head, config, **(sizes or parts.VISION))
        pipe = parts.pipe(task, model, image_processor=parts.images(processor))
        return parts.Task(pipe, parts.image(), options, operation)

    return build


def video(folder: Path) -> parts.Task:
    import av

    file = folder / "video.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=8)
        stream.width = stream.height = 64
        for _ in range(8):
            frame = av.VideoFrame.from_image(parts.image(64))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    model = parts.model(
        "VideoMAEForVideoClassification", "VideoMAEConfig",
        **parts.VISION, num_frames=2, tubelet_size=2,
    )  # fmt: skip
    size = {"shortest_edge": 32}
    crop = {"height": 32, "width": 32}
    processor = parts.images("VideoMAEImageProcessor", size=size, crop_size=crop)
    pipe = parts.pipe("video-classification", model, image_processor=processor)
    return parts.Task(pipe, str(file), {}, "video_classification")


def masks(folder: Path) -> parts.Task:
    library = parts.library()
    model = parts.model(
        "SamModel", "SamConfig",
        vision_config={
            "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "mlp_dim": 64,
            "output_channels": 16, "image_size": 32, "patch_size": 8, "global_attn_indexes": [1],
            "window_size": 2, "num_pos_feats": 8,
        },
        prompt_encoder_config={
            "hidden_size": 16, "image_size": 32, "patch_size": 8, "mask_input_channels": 4,
        },
        mask_decoder_config={
            "hidden_size": 16, "mlp_dim": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
    )  # fmt: skip
    processor = library.SamImageProcessor(
        size={"longest_edge": 32}, pad_size={"height": 32, "width": 32},
        mask_size={"longest_edge": 32}, mask_pad_size={"height": 32, "width": 32},
    )  # fmt: skip
    pipe = parts.pipe("mask-generation", model, image_processor=processor)
    options = {
        "points_per_crop": 2,
        "points_per_batch": 2,
        "pred_iou_thresh": -9.0,
        "stability_score_thresh": -1.0,
    }
    return parts.Task(pipe, parts.image(32), options, "mask_generation")


def keypoints(folder: Path) -> parts.Task:
    model = parts.model(
        "SuperGlueForKeypointMatching", "SuperGlueConfig",
        keypoint_detector_config={
            "model_type": "superpoint", "encoder_hidden_sizes": [8, 8, 16, 16],
            "decoder_hidden_size": 16, "keypoint_decoder_dim": 65, "descriptor_decoder_dim": 16,
            "keypoint_threshold": 0.0, "max_keypoints": 8,
        },
        hidden_size=16, keypoint_encoder_sizes=[8, 16], gnn_layers_types=["self", "cross"],
        num_attention_heads=2, sinkhorn_iterations=2,
    )  # fmt: skip
    pipe = parts.pipe(
        "keypoint-matching", model, image_processor=parts.images("SuperGlueImageProcessor", 32)
    )
    return parts.Task(pipe, [parts.image(), parts.image()], {}, "keypoint_matching")


# -- pictures, sound and text ----------------------------------------------------------------


def clip(folder: Path) -> parts.Task:
    model = parts.model(
        "CLIPModel", "CLIPConfig",
        text_config={**parts.SMALL, **parts.vocab(), "max_position_embeddings": 64, "eos_token_id": 1},
        vision_config=parts.VISION, projection_dim=16,
    )  # fmt: skip
    size = {"shortest_edge": 32}
    crop = {"height": 32, "width": 32}
    pipe = parts.pipe(
        "zero-shot-image-classification", model, tokenizer=tiny.tokenizer("right"),
        image_processor=parts.images("CLIPImageProcessor", size=size, crop_size=crop),
    )  # fmt: skip
    return parts.Task(
        pipe, parts.image(), {"candidate_labels": parts.LABELS}, "zero_shot_image_classification"
    )


def owl(folder: Path) -> parts.Task:
    model = parts.model(
        "OwlViTForObjectDetection", "OwlViTConfig",
        text_config={**parts.SMALL, **parts.vocab(), "max_position_embeddings": 64},
        vision_config=parts.VISION, projection_dim=32,
    )  # fmt: skip
    pipe = parts.pipe(
        "zero-shot-object-detection", model, tokenizer=tiny.tokenizer("right"),
        image_processor=parts.images("OwlViTImageProcessor", do_center_crop=False),
    )  # fmt: skip
    options = {"candidate_labels": parts.LABELS, "threshold": 0.0}
    return parts.Task(pipe, parts.image(), options, "zero_shot_object_detection")


def clap(folder: Path) -> parts.Task:
    model = parts.model(
        "ClapModel", "ClapConfig",
        text_config={**parts.SMALL, **parts.vocab(), "max_position_embeddings": 64},
        audio_config={
            "patch_embeds_hidden_size": 16, "hidden_size": 32, "depths": [1, 1], "spec_size": 64,
            "num_mel_bins": 16, "window_size": 4, "patch_size": 4, "patch_stride": [4, 4],
            "num_attention_heads": [2, 2], "num_hidden_layers": 2,
        },
        projection_dim=16,
    )  # fmt: skip
    listener = parts.library().ClapFeatureExtractor(
        feature_size=16, sampling_rate=16_000, max_length_s=1, truncation="rand_trunc",
    )  # fmt: skip
    pipe = parts.pipe(
        "zero-shot-audio-classification",
        model,
        tokenizer=tiny.tokenizer("right"),
        feature_extractor=listener,
    )
    options = {"candidate_labels": parts.LABELS}
    return parts.Task(pipe, parts.sound(), options, "zero_shot_audio_classification")


WAVE: dict[str, Any] = {
    **parts.SMALL, "conv_dim": (16, 16), "conv_stride": (4, 4), "conv_kernel": (8, 4),
    "num_feat_extract_layers": 2, "num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2,
    "feat_extract_norm": "layer", "do_stable_layer_norm": True, "classifier_proj_size": 16,
}  # fmt: skip


def _listener() -> Any:
    return parts.library().Wav2Vec2FeatureExtractor(return_attention_mask=True)


def listening(folder: Path) -> parts.Task:
    model = parts.model("Wav2Vec2ForSequenceClassification", "Wav2Vec2Config", **WAVE)
    pipe = parts.pipe("audio-classification", model, feature_extractor=_listener())
    return parts.Task(pipe, parts.sound(), {}, "audio_classification")


def hearing(folder: Path) -> parts.Task:
    model = parts.model("Wav2Vec2ForCTC", "Wav2Vec2Config", **WAVE, **parts.vocab())
    pipe = parts.pipe(
        "automatic-speech-recognition",
        model,
        tokenizer=tiny.tokenizer(),
        feature_extractor=_listener(),
    )
    return parts.Task(pipe, parts.sound(), {}, "generate_content")


def generating_listener() -> Any:
    """Speech recognition by a model that generates its text."""
    known = tiny.tokenizer()
    sizes = {"hidden_size": 32, "intermediate_size": 64}
    layers = {
        f"{side}_num_{what}": 2
        for side in ("encoder", "decoder")
        for what in ("hidden_layers", "attention_heads")
    }
    model = parts.model(
        "MoonshineForConditionalGeneration", "MoonshineConfig", **sizes, **layers, **parts.vocab(),
        bos_token_id=known.bos_token_id, eos_token_id=known.eos_token_id,
        decoder_start_token_id=known.bos_token_id,
    )  # fmt: skip
    listener = parts.library().Wav2Vec2FeatureExtractor(return_attention_mask=True)
    return parts.pipe(
        "automatic-speech-recognition", model, tokenizer=known, feature_extractor=listener
    )


def speaking(folder: Path) -> parts.Task:
    sizes = {
        **parts.SMALL, **parts.vocab(), "ffn_dim": 32, "flow_size": 16, "spectrogram_bins": 16,
        "upsample_initial_channel": 16, "upsample_rates": [4, 4], "upsample_kernel_sizes": [8, 8],
        "resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1]],
        "duration_predictor_filter_channels": 16, "duration_predictor_num_flows": 2,
        "prior_encoder_num_flows": 2, "posterior_encoder_num_wavenet_layers": 2,
        "prior_encoder_num_wavenet_layers": 2, "depth_separable_num_layers": 2, "noise_scale": 0.0,
        "noise_scale_duration": 0.0,
    }  # fmt: skip
    model = parts.model("VitsModel", "VitsConfig", **sizes)
    pipe = parts.pipe("text-to-audio", model, tokenizer=tiny.tokenizer("right"))
    return parts.Task(pipe, "hello world", {}, "generate_content")


def llava(task: str) -> Build:
    def build(folder: Path) -> parts.Task:
        library = parts.library()
        tokenizer = tiny.tokenizer()
        tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
        config = library.LlavaConfig(
            text_config=library.LlamaConfig(
                **{
                    **parts.SMALL,
                    **parts.vocab(),
                    "vocab_size": len(tokenizer),
                    "max_position_embeddings": 256,
                }
            ),
            vision_config=library.CLIPVisionConfig(**parts.VISION),
            image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        )
        torch.manual_seed(0)
        model = library.LlavaForConditionalGeneration(config).eval()
        model.name_or_path = "tiny"
        crop = {"height": 32, "width": 32}
        processor = library.LlavaProcessor(
            image_processor=parts.images("CLIPImageProcessor", size={"shortest_edge": 32}, crop_size=crop),
            tokenizer=tokenizer, patch_size=16, vision_feature_select_strategy="default",
            image_token="<image>", num_additional_image_tokens=1,
        )  # fmt: skip
        pipe = parts.pipe(task, model, processor=processor)
        asked = {"images": parts.image(), "text": "<image>hello world"}
        return parts.Task(
            pipe,
            asked,
            {"generate_kwargs": {"max_new_tokens": 3, "do_sample": False}},
            "generate_content",
            True,
        )

    return build


def captions(folder: Path) -> parts.Task:
    library = parts.library()
    known = tiny.tokenizer()
    encoder = library.ViTConfig(**parts.VISION)
    decoder = library.GPT2Config(
        vocab_size=len(known), n_embd=32, n_layer=2, n_head=4, n_positions=64, is_decoder=True,
        add_cross_attention=True, bos_token_id=known.bos_token_id, eos_token_id=known.eos_token_id,
    )  # fmt: skip
    config = library.VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.pad_token_id = known.bos_token_id, known.pad_token_id
    torch.manual_seed(0)
    model = library.VisionEncoderDecoderModel(config=config).eval()
    model.generation_config.decoder_start_token_id = known.bos_token_id
    model.generation_config.pad_token_id = known.pad_token_id
    model.name_or_path = "tiny"
    pipe = parts.pipe(
        "image-to-text", model, tokenizer=known, image_processor=parts.images("ViTImageProcessor")
    )
    return parts.Task(pipe, parts.image(), {"max_new_tokens": 3}, "generate_content", True)


def visual_question(folder: Path) -> parts.Task:
    model = parts.model(
        "ViltForQuestionAnswering", "ViltConfig",
        **parts.VISION, **parts.vocab(), max_position_embeddings=64, num_labels=3, max_image_length=-1,
    )  # fmt: skip
    processor = parts.library().ViltImageProcessor(size={"shortest_edge": 32}, size_divisor=16)
    pipe = parts.pipe(
        "visual-question-answering",
        model,
        tokenizer=tiny.tokenizer("right"),
        image_processor=processor,
    )
    asked = {"image": parts.image(), "question": "how are you"}
    return parts.Task(pipe, asked, {"top_k": 2}, "visual_question_answering")


def redrawn(folder: Path) -> parts.Task:
    model = parts.model(
        "Swin2SRForImageSuperResolution", "Swin2SRConfig",
        image_size=16, patch_size=1, embed_dim=16, depths=[1, 1], num_heads=[2, 2], window_size=4,
        upscale=2,
    )  # fmt: skip
    processor = parts.library().Swin2SRImageProcessor(do_rescale=True, pad_size=8)
    pipe = parts.pipe("image-to-image", model, image_processor=processor)
    return parts.Task(pipe, parts.image(16), {}, "image_to_image")

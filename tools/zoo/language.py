"""What the zoo takes from transformers: configurations with random weights, at the library's default size where that fits."""

from __future__ import annotations

from typing import Any

from catalog import Entry

TEXT = {"input_ids": "16<1000"}
BOTH = {"input_ids": "16<1000", "decoder_input_ids": "8<1000"}
IMAGE = {"pixel_values": "3x224x224"}
SOUND = {"input_values": "16000"}
NARROW: dict[str, Any] = {
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_attention_heads": 8,
    "num_hidden_layers": 4,
    "vocab_size": 1000,
}
GROUPED = {**NARROW, "num_key_value_heads": 4}
"""Of models with billions of parameters: the same blocks, four of them, narrow."""
EXPERTS: dict[str, Any] = {**GROUPED, "num_hidden_layers": 2}

Model = tuple[dict[str, str], dict[str, Any]]

ENCODERS: dict[str, Model] = {
    "BertModel": (TEXT, {}),
    "RobertaModel": (TEXT, {}),
    "DistilBertModel": (TEXT, {}),
    "AlbertModel": (TEXT, {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}),
    "ElectraModel": (TEXT, {}),
    "DebertaModel": (TEXT, {}),
    "DebertaV2Model": (TEXT, {**NARROW}),
    "MPNetModel": (TEXT, {}),
    "XLNetModel": (TEXT, {"n_layer": 6, "d_model": 256, "d_inner": 512, "n_head": 8}),
    "LongformerModel": ({"input_ids": "64<1000"}, {"num_hidden_layers": 4, "attention_window": 16}),
    "BigBirdModel": ({"input_ids": "128<1000"}, {"num_hidden_layers": 4, "block_size": 8}),
    "FNetModel": (TEXT, {}),
    "FunnelModel": (TEXT, {}),
    "SqueezeBertModel": (TEXT, {}),
    "MobileBertModel": (TEXT, {}),
    "ConvBertModel": (TEXT, {}),
    "NystromformerModel": ({"input_ids": "64<1000"}, {"num_landmarks": 8, "segment_means_seq_len": 64}),
    "ModernBertModel": (TEXT, {}),
    "RoFormerModel": (TEXT, {}),
    "XLMModel": (TEXT, {"emb_dim": 512, "n_heads": 8}),
    "CanineModel": ({"input_ids": "64<1000"}, {}),
}
DECODERS: dict[str, Model] = {
    "GPT2LMHeadModel": (TEXT, {}),
    "OpenAIGPTLMHeadModel": (TEXT, {}),
    "GPTNeoForCausalLM": (
        TEXT,
        {"hidden_size": 256, "num_layers": 4, "attention_types": [[["global", "local"], 2]], "num_heads": 8},
    ),
    "GPTNeoXForCausalLM": (TEXT, NARROW),
    "GPTJForCausalLM": (TEXT, {"n_embd": 256, "n_layer": 4, "n_head": 8, "rotary_dim": 16}),
    "CodeGenForCausalLM": (TEXT, {"n_embd": 256, "n_layer": 4, "n_head": 8, "rotary_dim": 16}),
    "OPTForCausalLM": (TEXT, {}),
    "BloomForCausalLM": (TEXT, {}),
    "FalconForCausalLM": (TEXT, NARROW),
    "LlamaForCausalLM": (TEXT, {**GROUPED, "num_hidden_layers": 32}),
    "MistralForCausalLM": (TEXT, GROUPED),
    "MixtralForCausalLM": (TEXT, EXPERTS),
    "GemmaForCausalLM": (TEXT, {**GROUPED, "head_dim": 32}),
    "Gemma2ForCausalLM": (TEXT, {**GROUPED, "head_dim": 32}),
    "Gemma3ForCausalLM": (TEXT, {**GROUPED, "head_dim": 32}),
    "Qwen2ForCausalLM": (TEXT, GROUPED),
    "Qwen3ForCausalLM": (TEXT, {**GROUPED, "head_dim": 32}),
    "Qwen3MoeForCausalLM": (TEXT, {**EXPERTS, "head_dim": 32, "num_experts": 8, "moe_intermediate_size": 128}),
    "PhiForCausalLM": (TEXT, NARROW),
    "Phi3ForCausalLM": (TEXT, {**GROUPED, "pad_token_id": 0}),
    "StableLmForCausalLM": (TEXT, GROUPED),
    "OlmoForCausalLM": (TEXT, GROUPED),
    "CohereForCausalLM": (TEXT, GROUPED),
    "DeepseekV3ForCausalLM": (
        TEXT,
        {
            **NARROW,
            "num_key_value_heads": 8,
            "moe_intermediate_size": 128,
            "n_routed_experts": 8,
            "n_group": 2,
            "topk_group": 1,
            "num_experts_per_tok": 2,
            "kv_lora_rank": 64,
            "q_lora_rank": 96,
            "qk_rope_head_dim": 16,
            "qk_nope_head_dim": 32,
            "v_head_dim": 32,
            "first_k_dense_replace": 1,
        },
    ),
    "MambaForCausalLM": (TEXT, {"num_hidden_layers": 8}),
    "Mamba2ForCausalLM": (
        TEXT,
        {"hidden_size": 256, "num_hidden_layers": 4, "num_heads": 8, "head_dim": 64, "vocab_size": 1000, "n_groups": 1},
    ),
    "RwkvForCausalLM": (TEXT, {"hidden_size": 256, "num_hidden_layers": 4, "attention_hidden_size": 256, "vocab_size": 1000}),
    "XGLMForCausalLM": (TEXT, {"d_model": 256, "ffn_dim": 512, "num_layers": 4, "attention_heads": 8, "vocab_size": 1000}),
    "MptForCausalLM": (TEXT, {"d_model": 256, "n_heads": 8, "n_layers": 4, "vocab_size": 1000}),
    "CTRLLMHeadModel": (TEXT, {"n_embd": 256, "dff": 512, "n_layer": 4, "n_head": 8, "vocab_size": 1000}),
    "RecurrentGemmaForCausalLM": (TEXT, {**NARROW, "lru_width": 256, "num_key_value_heads": 1}),
    "GptOssForCausalLM": (TEXT, {**EXPERTS, "head_dim": 32, "num_local_experts": 8}),
    "BioGptForCausalLM": (TEXT, {"num_hidden_layers": 6}),
}
SEQUENCES: dict[str, Model] = {
    "T5ForConditionalGeneration": (BOTH, {}),
    "MT5ForConditionalGeneration": (BOTH, {"vocab_size": 32000}),
    "BartForConditionalGeneration": (BOTH, {"encoder_layers": 4, "decoder_layers": 4}),
    "PegasusForConditionalGeneration": (BOTH, {"encoder_layers": 4, "decoder_layers": 4}),
    "MarianMTModel": (BOTH, {"encoder_layers": 4, "decoder_layers": 4}),
    "LEDForConditionalGeneration": (
        {"input_ids": "64<1000", "decoder_input_ids": "8<1000"},
        {"encoder_layers": 2, "decoder_layers": 2, "attention_window": 16},
    ),
    "ProphetNetForConditionalGeneration": (
        BOTH,
        {"num_encoder_layers": 4, "num_decoder_layers": 4, "hidden_size": 256, "encoder_ffn_dim": 512, "decoder_ffn_dim": 512},
    ),
    "SwitchTransformersForConditionalGeneration": (BOTH, {"d_model": 256, "num_layers": 4, "num_decoder_layers": 4}),
    "LongT5ForConditionalGeneration": ({"input_ids": "64<1000", "decoder_input_ids": "8<1000"}, {"local_radius": 15}),
    "M2M100ForConditionalGeneration": (BOTH, {"encoder_layers": 4, "decoder_layers": 4, "d_model": 256, "vocab_size": 8000}),
    "BlenderbotSmallForConditionalGeneration": (BOTH, {}),
}
IMAGES: dict[str, Model] = {
    "ViTModel": (IMAGE, {}),
    "DeiTModel": (IMAGE, {}),
    "BeitModel": (IMAGE, {}),
    "SwinModel": (IMAGE, {}),
    "Swinv2Model": (IMAGE, {}),
    "ConvNextModel": (IMAGE, {}),
    "ConvNextV2Model": (IMAGE, {}),
    "ResNetModel": (IMAGE, {}),
    "RegNetModel": (IMAGE, {}),
    "Dinov2Model": (IMAGE, {}),
    "SegformerModel": (IMAGE, {}),
    "MobileViTModel": ({"pixel_values": "3x256x256"}, {}),
    "PoolFormerModel": (IMAGE, {}),
    "CvtModel": (IMAGE, {}),
    "LevitModel": (IMAGE, {}),
    "ViTMAEModel": (IMAGE, {}),
    "HieraModel": (IMAGE, {}),
    "DPTForDepthEstimation": ({"pixel_values": "3x384x384"}, {"num_hidden_layers": 12}),
    "DetrForObjectDetection": ({"pixel_values": "3x256x256"}, {"use_timm_backbone": False}),
    "YolosModel": ({"pixel_values": "3x512x864"}, {}),
    "SamModel": (
        {"pixel_values": "3x256x256", "input_points": "1x1x2"},
        {
            "vision_config": {"image_size": 256, "num_hidden_layers": 6, "global_attn_indexes": [2, 5]},
            "prompt_encoder_config": {"image_size": 256, "image_embedding_size": 16},
        },
    ),
    "Mask2FormerModel": ({"pixel_values": "3x256x256"}, {}),
    "VideoMAEModel": ({"pixel_values": "16x3x224x224"}, {"num_hidden_layers": 4}),
    "TimesformerModel": ({"pixel_values": "8x3x224x224"}, {"num_hidden_layers": 4}),
}
SOUNDS: dict[str, Model] = {
    "WhisperForConditionalGeneration": ({"input_features": "80x3000", "decoder_input_ids": "8<1000"}, {}),
    "Wav2Vec2Model": (SOUND, {}),
    "HubertModel": (SOUND, {}),
    "WavLMModel": (SOUND, {}),
    "ASTModel": ({"input_values": "1024x128"}, {}),
    "SEWModel": (SOUND, {}),
    "Data2VecAudioModel": (SOUND, {}),
    "EncodecModel": ({"input_values": "1x6000"}, {}),
}
SEVERAL: dict[str, Model] = {
    "CLIPModel": ({"input_ids": "16<1000", **IMAGE}, {}),
    "SiglipModel": ({"input_ids": "16<1000", **IMAGE}, {}),
    "BlipForConditionalGeneration": ({"pixel_values": "3x384x384", "input_ids": "16<1000"}, {}),
    "ViltModel": ({"input_ids": "16<1000", "pixel_values": "3x384x384", "pixel_mask": "384x384=1"}, {}),
    "LayoutLMModel": (TEXT, {}),
    "LayoutLMv3Model": ({"input_ids": "16<1000", "bbox": "16x4<1000", **IMAGE}, {}),
    "GitModel": ({"input_ids": "16<1000", **IMAGE}, {}),
    "CLIPSegModel": ({"input_ids": "16<1000", **IMAGE}, {}),
    "OwlViTModel": ({"input_ids": "16<1000", "pixel_values": "3x768x768", "attention_mask": "16=1"}, {}),
    "AlignModel": ({"input_ids": "16<1000", "pixel_values": "3x289x289"}, {}),
    "VisualBertModel": (TEXT, {}),
    "LxmertModel": ({"input_ids": "16<1000", "visual_feats": "10x2048", "visual_pos": "10x4"}, {}),
}
OTHERS: dict[str, Model] = {
    "PatchTSTModel": ({"past_values": "32x1"}, {}),
    "PatchTSMixerModel": ({"past_values": "32x1"}, {}),
    "InformerModel": (
        {
            "past_values": "61",
            "past_time_features": "61x1",
            "past_observed_mask": "61=1",
            "future_values": "24",
            "future_time_features": "24x1",
        },
        {"prediction_length": 24, "context_length": 54, "num_time_features": 1},
    ),
    "DecisionTransformerModel": (
        {
            "states": "8x17",
            "actions": "8x4",
            "rewards": "8x1",
            "returns_to_go": "8x1",
            "timesteps": "8<100",
            "attention_mask": "8=1",
        },
        {},
    ),
    "PerceiverModel": ({"inputs": "64x768"}, {"num_self_attends_per_block": 6, "num_latents": 32, "d_latents": 256}),
}
FAMILIES = {
    "Encoders": ENCODERS,
    "Decoders": DECODERS,
    "Encoder–decoders": SEQUENCES,
    "Images and video": IMAGES,
    "Sound": SOUNDS,
    "Text with images": SEVERAL,
    "Other": OTHERS,
}


def transformers_entries() -> list[Entry]:
    """All of transformers'."""
    return [
        Entry("transformers", family, name, inputs, settings)
        for family, models in FAMILIES.items()
        for name, (inputs, settings) in models.items()
    ]

"""Vision models of transformers, made from configuration objects: narrow, with all their blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Configured:
    """A model and its configuration, by the names of their classes in ``transformers``."""

    model: str
    config: str
    options: dict[str, Any] = field(default_factory=dict)
    side: int = 64
    note: str = ""

    @property
    def name(self) -> str:
        """The model's class, and what it stands for."""
        return f"{self.model} ({self.note})" if self.note else self.model


NARROW: dict[str, Any] = {
    "hidden_size": 48,
    "num_attention_heads": 3,
    "intermediate_size": 96,
    "num_hidden_layers": 12,
}
PLAIN = NARROW | {"image_size": 64, "patch_size": 16}
FOURTEEN = NARROW | {"image_size": 70, "patch_size": 14}
SWIN: dict[str, Any] = {
    "image_size": 128,
    "embed_dim": 24,
    "depths": [2, 2, 6, 2],
    "num_heads": [1, 2, 4, 8],
    "window_size": 4,
}
PYRAMID: dict[str, Any] = {"hidden_sizes": [16, 32, 48, 64]}
STAGES = {"out_indices": [1, 2, 3, 4]}
TAPS = {"out_indices": [3, 6, 9, 12]}
DPT: dict[str, Any] = PLAIN | {
    "backbone_out_indices": [2, 5, 8, 11],
    "neck_hidden_sizes": [16, 32, 48, 64],
    "fusion_hidden_size": 32,
}
CONFIGURED = (
    Configured("ViTModel", "ViTConfig", PLAIN),
    Configured("ViTForImageClassification", "ViTConfig", PLAIN),
    Configured("ViTMSNModel", "ViTMSNConfig", PLAIN),
    Configured("DeiTModel", "DeiTConfig", PLAIN),
    Configured("BeitModel", "BeitConfig", PLAIN | {"use_relative_position_bias": True}),
    Configured("BeitBackbone", "BeitConfig", PLAIN | TAPS),
    Configured(
        "Data2VecVisionModel",
        "Data2VecVisionConfig",
        PLAIN | {"use_shared_relative_position_bias": True},
    ),
    Configured("Dinov2Model", "Dinov2Config", FOURTEEN, 70),
    Configured("Dinov2Backbone", "Dinov2Config", FOURTEEN | TAPS, 70),
    Configured("Dinov2WithRegistersModel", "Dinov2WithRegistersConfig", FOURTEEN, 70),
    Configured("Dinov2WithRegistersBackbone", "Dinov2WithRegistersConfig", FOURTEEN | TAPS, 70),
    Configured("DINOv3ViTModel", "DINOv3ViTConfig", PLAIN),
    Configured("DINOv3ConvNextModel", "DINOv3ConvNextConfig", PYRAMID),
    Configured("IJepaModel", "IJepaConfig", PLAIN),
    Configured("PixioBackbone", "PixioConfig", PLAIN | TAPS),
    Configured("SiglipVisionModel", "SiglipVisionConfig", PLAIN),
    Configured("CLIPVisionModel", "CLIPVisionConfig", PLAIN),
    Configured("Aimv2VisionModel", "Aimv2VisionConfig", PLAIN),
    Configured("MLCDVisionModel", "MLCDVisionConfig", PLAIN),
    Configured("YolosModel", "YolosConfig", PLAIN | {"image_size": [64, 64]}),
    Configured("VitPoseBackbone", "VitPoseBackboneConfig", PLAIN | {"image_size": [64, 64]}),
    Configured(
        "VitDetBackbone",
        "VitDetConfig",
        {
            "hidden_size": 48,
            "num_attention_heads": 3,
            "num_hidden_layers": 12,
            "image_size": 128,
            "patch_size": 16,
            "window_size": 4,
            "window_block_indices": [0, 1, 3, 4, 6, 7, 9, 10],
            "residual_block_indices": [2, 5, 8, 11],
            "use_relative_position_embeddings": True,
        },
        128,
    ),
    Configured(
        "SamVisionModel",
        "SamVisionConfig",
        PLAIN
        | {
            "image_size": 128,
            "window_size": 4,
            "global_attn_indexes": [2, 5, 8, 11],
            "output_channels": 32,
            "initializer_range": 0.02,
        },
        128,
    ),
    Configured(
        "SamHQVisionModel",
        "SamHQVisionConfig",
        PLAIN
        | {
            "image_size": 128,
            "window_size": 4,
            "global_attn_indexes": [2, 5, 8, 11],
            "output_channels": 32,
            "initializer_range": 0.02,
        },
        128,
    ),
    Configured("SwinModel", "SwinConfig", SWIN, 128),
    Configured("SwinBackbone", "SwinConfig", SWIN | STAGES, 128),
    Configured("Swinv2Model", "Swinv2Config", SWIN, 128),
    Configured("Swinv2Backbone", "Swinv2Config", SWIN | STAGES, 128),
    Configured(
        "MaskFormerSwinBackbone",
        "MaskFormerSwinConfig",
        SWIN | STAGES,
        128,
        note="Mask2Former's backbone",
    ),
    Configured("DonutSwinModel", "DonutSwinConfig", SWIN, 128),
    Configured("Swin2SRModel", "Swin2SRConfig", SWIN | {"depths": [2, 2], "num_heads": [2, 2]}),
    Configured(
        "SegformerForSemanticSegmentation",
        "SegformerConfig",
        {"hidden_sizes": [16, 32, 40, 64], "decoder_hidden_size": 32},
    ),
    Configured("SegformerModel", "SegformerConfig", {"hidden_sizes": [16, 32, 40, 64]}),
    Configured(
        "GLPNForDepthEstimation",
        "GLPNConfig",
        {"hidden_sizes": [16, 32, 40, 64], "decoder_hidden_size": 16},
    ),
    Configured("DPTForDepthEstimation", "DPTConfig", DPT),
    Configured("DPTForSemanticSegmentation", "DPTConfig", DPT),
    Configured("DPTModel", "DPTConfig", DPT, note="encoder"),
    Configured("MobileViTModel", "MobileViTConfig", {"image_size": 64}),
    Configured("MobileViTForSemanticSegmentation", "MobileViTConfig", {"image_size": 64}),
    Configured("MobileViTV2Model", "MobileViTV2Config", {"width_multiplier": 0.5}),
    Configured("ConvNextBackbone", "ConvNextConfig", PYRAMID | STAGES),
    Configured("ConvNextV2Backbone", "ConvNextV2Config", PYRAMID | STAGES),
    Configured("ResNetBackbone", "ResNetConfig", PYRAMID | STAGES | {"embedding_size": 16}),
    Configured("RTDetrResNetBackbone", "RTDetrResNetConfig", PYRAMID | {"embedding_size": 16}),
    Configured("RegNetModel", "RegNetConfig", PYRAMID | {"groups_width": 8, "embedding_size": 16}),
    Configured("BitBackbone", "BitConfig", {"hidden_sizes": [32, 64, 96, 128]} | STAGES),
    Configured("HGNetV2Backbone", "HGNetV2Config", {}),
    Configured("PoolFormerModel", "PoolFormerConfig", PYRAMID),
    Configured("PvtModel", "PvtConfig", {"image_size": 64, "hidden_sizes": [16, 32, 40, 64]}),
    Configured("PvtV2Backbone", "PvtV2Config", {"image_size": 64}),
    Configured("CvtModel", "CvtConfig", {"embed_dim": [16, 48, 96]}),
    Configured("LevitModel", "LevitConfig", {"image_size": 64, "hidden_sizes": [32, 64, 96]}),
    Configured("FocalNetBackbone", "FocalNetConfig", {"image_size": 64, "embed_dim": 24} | STAGES),
    Configured(
        "HieraBackbone",
        "HieraConfig",
        {"image_size": [64, 64], "embed_dim": 24, "num_heads": [1, 2, 4, 8]} | STAGES,
    ),
    Configured("EfficientNetModel", "EfficientNetConfig", {"width_coefficient": 1.0}),
    Configured("MobileNetV1Model", "MobileNetV1Config", {"depth_multiplier": 0.25}),
    Configured("MobileNetV2Model", "MobileNetV2Config", {"depth_multiplier": 0.35}),
    Configured("SwiftFormerModel", "SwiftFormerConfig", {"image_size": 64}),
    Configured("TextNetBackbone", "TextNetConfig", {}),
    Configured("SuperPointForKeypointDetection", "SuperPointConfig", {}),
)

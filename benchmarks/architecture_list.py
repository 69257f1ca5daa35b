"""Which architectures the matrix is made of: at full depth, small where a family allows it.

Weights are random. Widths of transformers' models are small; nothing of their blocks is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from benchmarks.transformers_list import CONFIGURED, Configured


@dataclass(frozen=True)
class Architecture:
    """One line of the matrix.

    Attributes:
        library: that it comes from.
        name: by which it is known there.
        size: (rows, cols) of the image, pixels.
        build: makes it, with random weights.
    """

    library: str
    name: str
    size: tuple[int, int]
    build: Callable[[], nn.Module]

    @property
    def label(self) -> str:
        """Library and name."""
        return f"{self.library}:{self.name}"


TORCHVISION: dict[str, tuple[int, dict[str, Any]]] = {
    "alexnet": (64, {}),
    "vgg11_bn": (64, {}),
    "vgg16": (64, {}),
    "resnet18": (64, {}),
    "resnet50": (64, {}),
    "resnext50_32x4d": (64, {}),
    "wide_resnet50_2": (64, {}),
    "densenet121": (64, {}),
    "googlenet": (64, {"aux_logits": False}),
    "inception_v3": (96, {"aux_logits": False}),
    "mnasnet0_5": (64, {}),
    "mobilenet_v2": (64, {}),
    "mobilenet_v3_small": (64, {}),
    "mobilenet_v3_large": (64, {}),
    "efficientnet_b0": (64, {}),
    "efficientnet_v2_s": (64, {}),
    "regnet_y_400mf": (64, {}),
    "regnet_x_400mf": (64, {}),
    "shufflenet_v2_x0_5": (64, {}),
    "squeezenet1_1": (64, {}),
    "convnext_tiny": (64, {}),
    "vit_b_16": (64, {"image_size": 64}),
    "swin_t": (64, {}),
    "swin_v2_t": (64, {}),
    "maxvit_t": (224, {}),
    "fcn_resnet50": (64, {"weights_backbone": None}),
    "deeplabv3_resnet50": (64, {"weights_backbone": None}),
    "deeplabv3_mobilenet_v3_large": (64, {"weights_backbone": None}),
    "lraspp_mobilenet_v3_large": (64, {"weights_backbone": None}),
}
TIMM: dict[str, tuple[int, dict[str, Any]]] = {
    "vit_tiny_patch16_224": (64, {"img_size": 64}),
    "vit_small_patch14_reg4_dinov2": (70, {"img_size": 70}),
    "vit_small_patch14_dinov2": (70, {"img_size": 70}),
    "vit_small_patch16_dinov3": (64, {"img_size": 64}),
    "vit_base_patch16_siglip_224": (64, {"img_size": 64, "embed_dim": 96, "num_heads": 3}),
    "deit_tiny_patch16_224": (64, {"img_size": 64}),
    "deit_tiny_distilled_patch16_224": (64, {"img_size": 64}),
    "deit3_small_patch16_224": (64, {"img_size": 64}),
    "beit_base_patch16_224": (64, {"img_size": 64, "embed_dim": 96, "num_heads": 3}),
    "beitv2_base_patch16_224": (64, {"img_size": 64, "embed_dim": 96, "num_heads": 3}),
    "eva02_tiny_patch14_224": (70, {"img_size": 70}),
    "samvit_base_patch16": (128, {"img_size": 128, "embed_dim": 96, "num_heads": 3}),
    "test_vit_relpos": (160, {}),
    "vit_relpos_small_patch16_224": (64, {"img_size": 64}),
    "vit_small_r26_s32_224": (96, {"img_size": 96}),
    "flexivit_small": (64, {"img_size": 64}),
    "cait_xxs24_224": (64, {"img_size": 64}),
    "convit_tiny": (64, {"img_size": 64}),
    "xcit_nano_12_p8_224": (64, {}),
    "volo_d1_224": (64, {"img_size": 64}),
    "tnt_s_patch16_224": (64, {"img_size": 64}),
    "pit_ti_224": (64, {"img_size": 64}),
    "crossvit_tiny_240": (240, {}),
    "coat_lite_tiny": (64, {"img_size": 64}),
    "coat_tiny": (64, {"img_size": 64}),
    "swin_tiny_patch4_window7_224": (64, {"img_size": 64}),
    "swin_s3_tiny_224": (224, {}),
    "swinv2_tiny_window8_256": (128, {"img_size": 128}),
    "swinv2_cr_tiny_224": (64, {"img_size": 64}),
    "twins_pcpvt_small": (64, {"img_size": 64}),
    "twins_svt_small": (64, {"img_size": 64}),
    "nest_tiny": (64, {"img_size": 64}),
    "gcvit_xxtiny": (64, {"img_size": 64}),
    "davit_tiny": (64, {}),
    "hiera_tiny_224": (64, {"img_size": 64}),
    "sam2_hiera_tiny": (128, {}),
    "mvitv2_tiny": (64, {"img_size": 64}),
    "pvt_v2_b0": (64, {}),
    "tiny_vit_5m_224": (64, {"img_size": 64}),
    "focalnet_tiny_srf": (64, {}),
    "edgenext_xx_small": (64, {}),
    "efficientformer_l1": (64, {"img_size": 64}),
    "efficientformerv2_s0": (64, {"img_size": 64}),
    "efficientvit_b0": (64, {}),
    "efficientvit_b1": (64, {}),
    "efficientvit_l1": (64, {}),
    "efficientvit_m0": (64, {"img_size": 64}),
    "mobilevit_xxs": (64, {}),
    "mobilevit_s": (64, {}),
    "mobilevitv2_050": (64, {}),
    "levit_128s": (224, {}),
    "nextvit_small": (64, {}),
    "fastvit_t8": (64, {}),
    "repvit_m0_9": (64, {}),
    "shvit_s1": (64, {}),
    "swiftformer_xs": (64, {}),
    "visformer_tiny": (64, {"img_size": 64}),
    "vitamin_small_224": (64, {"img_size": 64}),
    "maxvit_rmlp_pico_rw_256": (64, {"img_size": 64}),
    "maxvit_tiny_rw_224": (64, {"img_size": 64}),
    "coatnet_pico_rw_224": (64, {"img_size": 64}),
    "coatnet_rmlp_nano_rw_224": (64, {"img_size": 64}),
    "caformer_s18": (64, {}),
    "convformer_s18": (64, {}),
    "poolformer_s12": (64, {}),
    "sequencer2d_s": (64, {"img_size": 64}),
    "mixer_s32_224": (64, {"img_size": 64}),
    "gmlp_ti16_224": (64, {"img_size": 64}),
    "resmlp_12_224": (64, {"img_size": 64}),
    "convmixer_768_32": (56, {}),
    "convnext_atto": (64, {}),
    "convnextv2_atto": (64, {}),
    "inception_next_atto": (64, {}),
    "mambaout_femto": (64, {}),
    "efficientvim_m1": (64, {}),
    "starnet_s1": (64, {}),
    "rdnet_tiny": (64, {}),
    "fasternet_t0": (64, {}),
    "botnet26t_256": (64, {"img_size": 64}),
    "halonet26t": (128, {}),
    "lambda_resnet26t": (64, {"img_size": 64}),
    "eca_resnet33ts": (64, {}),
    "gcresnet33ts": (64, {}),
    "repvgg_a0": (64, {}),
    "gernet_s": (64, {}),
    "cspresnet50": (64, {}),
    "cs3darknet_s": (64, {}),
    "darknet17": (64, {}),
    "densenetblur121d": (64, {}),
    "dla46_c": (64, {}),
    "dpn48b": (64, {}),
    "ese_vovnet19b_dw": (64, {}),
    "ghostnet_100": (64, {}),
    "ghostnetv2_100": (64, {}),
    "hardcorenas_a": (64, {}),
    "hgnetv2_b0": (64, {}),
    "hrnet_w18_small": (64, {}),
    "inception_resnet_v2": (96, {}),
    "inception_v4": (96, {}),
    "legacy_seresnet18": (64, {}),
    "legacy_xception": (64, {}),
    "lcnet_050": (64, {}),
    "mixnet_s": (64, {}),
    "mnasnet_small": (64, {}),
    "mobilenetv4_hybrid_medium": (64, {}),
    "mobilenetv4_conv_small": (64, {}),
    "tf_efficientnetv2_b0": (64, {}),
    "tinynet_e": (64, {}),
    "nf_regnet_b0": (64, {}),
    "eca_nfnet_l0": (64, {}),
    "regnetz_b16": (64, {}),
    "repghostnet_050": (64, {}),
    "res2net50_26w_4s": (64, {}),
    "resnest14d": (64, {}),
    "resnet10t": (64, {}),
    "seresnext26d_32x4d": (64, {}),
    "ecaresnet26t": (64, {}),
    "resnetblur50": (64, {}),
    "resnetv2_50": (64, {}),
    "resnetv2_50x1_bit": (64, {}),
    "rexnet_100": (64, {}),
    "selecsls42b": (64, {}),
    "skresnet18": (64, {}),
    "tresnet_m": (64, {}),
    "xception41": (64, {}),
    "nasnetalarge": (96, {}),
    "pnasnet5large": (96, {}),
}
SMP = (
    *(f"{head}/resnet18" for head in ("Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN", "PSPNet")),
    *(f"{head}/resnet18" for head in ("PAN", "DeepLabV3", "DeepLabV3Plus", "UPerNet")),
    "Unet/mobilenet_v2",
    "Unet/efficientnet-b0",
    "FPN/mit_b0",
    "Unet/mit_b0",
    "Segformer/mit_b0",
    "UPerNet/tu-convnext_atto",
    "DPT/tu-vit_tiny_patch16_224",
)
ULTRALYTICS = (
    *("yolov3-tiny", "yolov5n", "yolov6n", "yolov8n", "yolov8n-seg", "yolov8n-pose"),
    *("yolov8n-obb", "yolov8n-cls", "yolov8n-ghost", "yolov8n-p2", "yolov9t", "yolov10n"),
    *("yolo11n", "yolo11n-seg", "yolo11n-pose", "yolo11n-obb", "yolo11n-cls", "yolo12n"),
    *("yolo26n", "yolo26n-seg", "rtdetr-resnet50"),
)
PLANE: dict[str, Any] = {"spatial_dims": 2, "in_channels": 3, "out_channels": 2}
MONAI: dict[str, tuple[int, dict[str, Any]]] = {
    "UNet": (64, PLANE | {"channels": (8, 16, 32), "strides": (2, 2), "num_res_units": 2}),
    "AttentionUnet": (64, PLANE | {"channels": (8, 16, 32), "strides": (2, 2)}),
    "BasicUNet": (64, PLANE | {"features": (8, 8, 16, 32, 64, 8)}),
    "BasicUNetPlusPlus": (64, PLANE | {"features": (8, 8, 16, 32, 64, 8)}),
    "DynUNet": (
        64,
        PLANE
        | {
            "kernel_size": (3, 3, 3),
            "strides": (1, 2, 2),
            "upsample_kernel_size": (2, 2),
            "filters": (8, 16, 32),
            "res_block": True,
        },
    ),
    "SegResNet": (64, PLANE | {"init_filters": 8}),
    "SegResNetDS": (64, PLANE | {"init_filters": 8}),
    "UNETR": (
        64,
        PLANE | {"img_size": 64, "hidden_size": 48, "mlp_dim": 96, "num_heads": 3},
    ),
    "SwinUNETR": (64, PLANE | {"feature_size": 12}),
    "FlexibleUNet": (
        64,
        {"spatial_dims": 2, "in_channels": 3, "out_channels": 2, "backbone": "efficientnet-b0"},
    ),
    "DenseNet121": (64, PLANE),
    "EfficientNetBN": (
        64,
        {"model_name": "efficientnet-b0", "spatial_dims": 2, "pretrained": False},
    ),
    "SEResNet50": (64, {"spatial_dims": 2, "in_channels": 3, "num_classes": 2}),
    "ResNet": (
        64,
        {
            "block": "basic",
            "layers": [1, 1, 1, 1],
            "block_inplanes": [8, 16, 32, 64],
            "spatial_dims": 2,
            "n_input_channels": 3,
        },
    ),
    "HighResNet": (64, PLANE),
    "VNet": (64, PLANE),
    "AHNet": (64, {"layers": (3, 4, 6, 3), "spatial_dims": 2, "in_channels": 3, "out_channels": 2}),
    "AutoEncoder": (64, PLANE | {"channels": (8, 16), "strides": (2, 2)}),
    "AutoencoderKL": (
        64,
        PLANE
        | {
            "channels": (16, 32),
            "num_res_blocks": 1,
            "latent_channels": 4,
            "norm_num_groups": 4,
            "attention_levels": (False, True),
        },
    ),
    "VQVAE": (64, PLANE | {"channels": (16, 16), "num_res_channels": 16, "num_embeddings": 32}),
    "ViT": (
        64,
        {
            "in_channels": 3,
            "img_size": 64,
            "patch_size": 16,
            "hidden_size": 48,
            "mlp_dim": 96,
            "num_heads": 3,
            "spatial_dims": 2,
            "classification": True,
        },
    ),
    "ViTAutoEnc": (
        64,
        {
            "in_channels": 3,
            "img_size": 64,
            "patch_size": 16,
            "hidden_size": 48,
            "mlp_dim": 96,
            "num_heads": 3,
            "spatial_dims": 2,
        },
    ),
    "MedNeXtS": (64, {"spatial_dims": 2, "in_channels": 3, "out_channels": 2}),
    "HoVerNet": (256, {"mode": "fast", "in_channels": 3, "out_classes": 2}),
    "Quicknat": (64, {"num_classes": 2, "num_channels": 3}),
    "PatchDiscriminator": (64, {"spatial_dims": 2, "channels": 8, "in_channels": 3}),
}


def architectures() -> Iterator[Architecture]:
    """All of them, library by library."""
    for name, (side, options) in TORCHVISION.items():
        yield Architecture("torchvision", name, (side, side), _torchvision(name, options))
    for name, (side, options) in TIMM.items():
        yield Architecture("timm", name, (side, side), _timm(name, options))
    for each in CONFIGURED:
        yield Architecture("transformers", each.name, (each.side, each.side), _configured(each))
    for name in SMP:
        side = 128 if name.startswith("PAN") else 64
        yield Architecture("smp", name, (side, side), _smp(name))
    for name in ULTRALYTICS:
        yield Architecture("ultralytics", name, (64, 64), _ultralytics(name))
    for name, (side, options) in MONAI.items():
        yield Architecture("monai", name, (side, side), _monai(name, options))


def _torchvision(name: str, options: dict[str, Any]) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import torchvision

        model: nn.Module = torchvision.models.get_model(name, weights=None, **options)
        return model

    return build


def _timm(name: str, options: dict[str, Any]) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import timm

        model: nn.Module = timm.create_model(name, **options)
        return model

    return build


def _configured(each: Configured) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import transformers

        config = getattr(transformers, each.config)(**each.options)
        model: nn.Module = getattr(transformers, each.model)(config)
        return model

    return build


def _smp(name: str) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import segmentation_models_pytorch as smp

        head, encoder = name.split("/")
        dynamic = {"dynamic_img_size": True} if head == "DPT" else {}
        model: nn.Module = getattr(smp, head)(encoder, encoder_weights=None, **dynamic)
        return model

    return build


def _ultralytics(name: str) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        from ultralytics.nn import tasks

        kinds = {
            "-seg": "SegmentationModel",
            "-pose": "PoseModel",
            "-obb": "OBBModel",
            "-cls": "ClassificationModel",
        }
        kind = next((model for end, model in kinds.items() if name.endswith(end)), "DetectionModel")
        kind = "RTDETRDetectionModel" if name.startswith("rtdetr") else kind
        model: nn.Module = getattr(tasks, kind)(f"{name}.yaml", verbose=False)
        return model

    return build


def _monai(name: str, options: dict[str, Any]) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        from monai.networks import nets

        model: nn.Module = getattr(nets, name)(**options)
        return model

    return build

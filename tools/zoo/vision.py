"""What the zoo takes from torchvision and timm."""

from __future__ import annotations

from catalog import Entry, LeftOut

IMAGE, CLIP = "3x224x224", "3x8x112x112"

TORCHVISION: dict[str, dict[str, str]] = {
    "AlexNet": {"alexnet": IMAGE},
    "VGG": dict.fromkeys(("vgg11", "vgg11_bn", "vgg13", "vgg16", "vgg16_bn", "vgg19"), IMAGE),
    "ResNet": dict.fromkeys(("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"), IMAGE),
    "ResNeXt": dict.fromkeys(("resnext50_32x4d", "resnext101_32x8d"), IMAGE),
    "Wide ResNet": {"wide_resnet50_2": IMAGE},
    "DenseNet": dict.fromkeys(("densenet121", "densenet161", "densenet169", "densenet201"), IMAGE),
    "Inception": {"googlenet": IMAGE, "inception_v3": "3x299x299"},
    "SqueezeNet": dict.fromkeys(("squeezenet1_0", "squeezenet1_1"), IMAGE),
    "ShuffleNet": dict.fromkeys(("shufflenet_v2_x0_5", "shufflenet_v2_x1_0"), IMAGE),
    "MNASNet": dict.fromkeys(("mnasnet0_5", "mnasnet1_0"), IMAGE),
    "MobileNet": dict.fromkeys(("mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"), IMAGE),
    "EfficientNet": dict.fromkeys(("efficientnet_b0", "efficientnet_b4", "efficientnet_v2_s"), IMAGE),
    "RegNet": dict.fromkeys(("regnet_x_400mf", "regnet_x_8gf", "regnet_y_400mf", "regnet_y_8gf"), IMAGE),
    "ConvNeXt": dict.fromkeys(("convnext_tiny", "convnext_base"), IMAGE),
    "ViT": dict.fromkeys(("vit_b_16", "vit_b_32"), IMAGE),
    "Swin": dict.fromkeys(("swin_t", "swin_s", "swin_v2_t"), IMAGE),
    "MaxViT": {"maxvit_t": IMAGE},
    "Segmentation": {
        "fcn_resnet50": IMAGE,
        "deeplabv3_resnet50": IMAGE,
        "deeplabv3_resnet101": IMAGE,
        "deeplabv3_mobilenet_v3_large": IMAGE,
        "lraspp_mobilenet_v3_large": IMAGE,
    },
    "Video": {
        "r3d_18": CLIP,
        "mc3_18": CLIP,
        "r2plus1d_18": CLIP,
        "s3d": "3x14x224x224",
        "swin3d_t": CLIP,
        "mvit_v1_b": "3x16x224x224",
        "mvit_v2_s": "3x16x224x224",
    },
    "Optical flow": dict.fromkeys(("raft_small", "raft_large"), "3x128x128"),
}
"""Models by family, and the size of their input."""

DETECTION = (
    "fasterrcnn_resnet50_fpn",
    "fcos_resnet50_fpn",
    "keypointrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn",
    "retinanet_resnet50_fpn",
    "ssd300_vgg16",
    "ssdlite320_mobilenet_v3_large",
)

TIMM: dict[str, tuple[str, int]] = {
    "beit": ("beit_base_patch16_224", 224),
    "byoanet": ("halonet26t", 256),
    "byobnet": ("repvgg_a0", 224),
    "cait": ("cait_xxs24_224", 224),
    "coat": ("coat_tiny", 224),
    "convit": ("convit_tiny", 224),
    "convmixer": ("convmixer_768_32", 224),
    "convnext": ("convnextv2_tiny", 224),
    "cpubone": ("cpubone_nano", 224),
    "crossvit": ("crossvit_tiny_240", 240),
    "csatv2": ("csatv2", 512),
    "cspnet": ("cspresnet50", 256),
    "cspnext": ("cspnext_tiny", 224),
    "davit": ("davit_tiny", 224),
    "deepseek_vit": ("deepseek_vit_412m", 546),
    "deit": ("deit3_small_patch16_224", 224),
    "densenet": ("densenetblur121d", 224),
    "dla": ("dla34", 224),
    "dpn": ("dpn68", 224),
    "edgenext": ("edgenext_xx_small", 256),
    "efficientformer": ("efficientformer_l1", 224),
    "efficientformer_v2": ("efficientformerv2_s0", 224),
    "efficientnet": ("efficientnetv2_rw_t", 224),
    "efficientvim": ("efficientvim_m1", 224),
    "efficientvit_mit": ("efficientvit_b0", 224),
    "efficientvit_msra": ("efficientvit_m0", 224),
    "eva": ("eva02_tiny_patch14_224", 224),
    "fasternet": ("fasternet_t0", 224),
    "fastvit": ("fastvit_t8", 256),
    "focalnet": ("focalnet_tiny_srf", 224),
    "gcvit": ("gcvit_xxtiny", 224),
    "gemma4_vit": ("gemma4_vit_167m", 768),
    "ghostnet": ("ghostnetv2_100", 224),
    "hardcorenas": ("hardcorenas_a", 224),
    "hgnet": ("hgnetv2_b0", 224),
    "hiera": ("hiera_tiny_224", 224),
    "hieradet_sam2": ("hieradet_small", 256),
    "hrnet": ("hrnet_w18_small", 224),
    "iformer": ("iformer_t", 224),
    "inception_next": ("inception_next_atto", 224),
    "inception_resnet_v2": ("inception_resnet_v2", 299),
    "inception_v3": ("inception_v3", 299),
    "inception_v4": ("inception_v4", 299),
    "lcnetv2": ("lcnetv2_small", 224),
    "levit": ("levit_128s", 224),
    "lowformer": ("lowformer_b0", 224),
    "mambaout": ("mambaout_femto", 224),
    "maxxvit": ("coatnet_pico_rw_224", 224),
    "metaformer": ("caformer_s18", 224),
    "mlp_mixer": ("mixer_s16_224", 224),
    "mobilenetv3": ("mobilenetv4_conv_small", 224),
    "mobilenetv5": ("mobilenetv5_base", 256),
    "mobilevit": ("mobilevit_xxs", 256),
    "mvitv2": ("mvitv2_tiny", 224),
    "naflexvit": ("naflexvit_base_patch16_gap", 384),
    "nasnet": ("nasnetalarge", 331),
    "nest": ("nest_tiny", 224),
    "nextvit": ("nextvit_small", 224),
    "nfnet": ("dm_nfnet_f0", 192),
    "pit": ("pit_ti_224", 224),
    "pnasnet": ("pnasnet5large", 331),
    "pvt_v2": ("pvt_v2_b0", 224),
    "qwen3_vit": ("qwen3_vit_88m", 768),
    "rdnet": ("rdnet_tiny", 224),
    "regnet": ("regnetz_005", 224),
    "repghost": ("repghostnet_050", 224),
    "repvit": ("repvit_m0_9", 224),
    "res2net": ("res2net50_14w_8s", 224),
    "resnest": ("resnest14d", 224),
    "resnet": ("ecaresnet26t", 256),
    "resnetv2": ("resnetv2_50", 224),
    "rexnet": ("rexnet_100", 224),
    "selecsls": ("selecsls42b", 224),
    "senet": ("legacy_seresnet18", 224),
    "sequencer": ("sequencer2d_s", 224),
    "shvit": ("shvit_s1", 224),
    "sknet": ("skresnet18", 224),
    "starnet": ("starnet_s1", 224),
    "swiftformer": ("swiftformer_xs", 224),
    "swin_transformer": ("swin_tiny_patch4_window7_224", 224),
    "swin_transformer_v2": ("swinv2_tiny_window8_256", 256),
    "swin_transformer_v2_cr": ("swinv2_cr_tiny_224", 224),
    "tiny_vit": ("tiny_vit_5m_224", 224),
    "tnt": ("tnt_s_patch16_224", 224),
    "tresnet": ("tresnet_m", 224),
    "twins": ("twins_svt_small", 224),
    "vgg": ("vgg11_bn", 224),
    "visformer": ("visformer_tiny", 224),
    "vision_transformer": ("vit_base_patch16_224", 224),
    "vision_transformer_hybrid": ("vit_tiny_r_s16_p8_224", 224),
    "vision_transformer_relpos": ("vit_relpos_small_patch16_224", 224),
    "vision_transformer_sam": ("samvit_base_patch16_224", 224),
    "vitamin": ("vitamin_small_224", 224),
    "volo": ("volo_d1_224", 224),
    "vovnet": ("ese_vovnet19b_dw", 224),
    "xception": ("legacy_xception", 299),
    "xception_aligned": ("xception41", 299),
    "xcit": ("xcit_nano_12_p16_224", 224),
}
"""One model of every family, which timm keeps in a module each, and the size of its image."""

TIMM_SMALLER: dict[str, dict[str, int]] = {
    "deepseek_vit": {"img_size": 224, "depth": 6},
    "gemma4_vit": {"img_size": 256},
    "qwen3_vit": {"img_size": 256},
}


def torchvision_entries() -> list[Entry]:
    """All of torchvision's."""
    found = []
    for family, models in TORCHVISION.items():
        for name, size in models.items():
            inputs = {"0": size, "1": size} if family == "Optical flow" else {"0": size}
            settings = {"weights_backbone": None} if family == "Segmentation" else {}  # or it would fetch those of its backbone
            found.append(Entry("torchvision", family, name, inputs, settings))
    return found


def timm_entries() -> list[Entry]:
    """All of timm's."""
    found = []
    for family, (name, size) in TIMM.items():
        smaller = TIMM_SMALLER.get(family, {})
        size = smaller.get("img_size", size)
        found.append(Entry("timm", family, name, {"0": f"3x{size}x{size}"}, smaller))
    return found


def left_out() -> list[LeftOut]:
    """Detection."""
    reason = (
        "its non-maximum suppression is an operator of torchvision's own, and the library of those, built for CUDA, "
        "cannot be loaded beside a torch without"
    )
    return [LeftOut("torchvision", name, reason) for name in DETECTION]

# Reads what sink/features wrote: python examples/read_features.py OUTPUT

import json
import sys
from pathlib import Path

import torch
from safetensors import safe_open

for path in sorted(Path(sys.argv[1]).glob("features/*.safetensors")):
    with safe_open(path, framework="pt") as file:
        features = file.get_tensor("features")  # [time, height, width, channels]
        about = {name: json.loads(text) for name, text in file.metadata().items() if text[0] in "[{"}
    frames = [frame["number"] for frame in about["clip"]["frames"]]
    tokens = features.flatten(0, 2).float()  # [tokens, channels]; token = (time * height + row) * width + column
    print(path.name, tuple(features.shape), features.dtype, "frames", frames[0], "to", frames[-1], "by", about["encoder"]["name"])
    print("  the middle token of the first step:", features[0, features.shape[1] // 2, features.shape[2] // 2, :3].tolist())
    print("  mean of all tokens:", tokens.mean(0)[:3].tolist())

for path in sorted(Path(sys.argv[1]).glob("features/*.pt")):
    saved = torch.load(path, weights_only=True)  # what the Python extractor wrote: features, shape, dtype, model_info, metadata
    print(path.name, tuple(saved["features"].shape), saved["dtype"], saved["metadata"]["temporal_mapping"]["t0"])

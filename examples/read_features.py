# Reads what sink/features wrote: python examples/read_features.py OUTPUT (a run's folder, or one file)
# Needs NumPy; PyTorch only where there are .pt files.

import json
import struct
import sys
from pathlib import Path

import numpy as np


def read(path):
    """The tensors and the metadata of a safetensors file (the same as safetensors.numpy.load_file, without that package)."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    types = {"F32": "<f4", "F16": "<f2", "U8": "|u1", "I64": "<i8"}
    tensors = {
        name: np.frombuffer(data[8 + size :][slice(*entry["data_offsets"])], types[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
    }
    return tensors, {name: json.loads(text) for name, text in metadata.items() if text[0] in "[{"}


given = Path(sys.argv[1])
paths = [given] if given.is_file() else sorted([*given.glob("*"), *given.glob("features/*")])
files = [path for path in paths if path.suffix in (".safetensors", ".pt")]
if not files:
    sys.exit(f"{given}: there are no .safetensors or .pt files here or in features")

for path in (path for path in files if path.suffix == ".safetensors"):
    tensors, about = read(path)
    features = tensors["features"]  # [time, height, width, channels]
    frames = [frame["number"] for frame in about["clip"]["frames"]]
    tokens = features.reshape(-1, features.shape[-1]).astype("float32")  # [tokens, channels]; token = (time * height + row) * width + column
    print(path.name, features.shape, features.dtype, "frames", frames[0], "to", frames[-1], "by", about["encoder"]["name"])
    print("  the middle token of the first step:", features[0, features.shape[1] // 2, features.shape[2] // 2, :3].tolist())
    print("  mean of all tokens:", tokens.mean(0)[:3].tolist())

for path in (path for path in files if path.suffix == ".pt"):
    import torch

    saved = torch.load(path, weights_only=True)  # what the Python extractor wrote: features, shape, dtype, model_info, metadata
    print(path.name, tuple(saved["features"].shape), saved["dtype"], saved["metadata"]["temporal_mapping"]["t0"])

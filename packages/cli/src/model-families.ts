// The one place that knows the encoders of all packages.

import { dinov3Family } from '@deepearth/model-dinov3/family';
import { vjepa2Family } from '@deepearth/model-vjepa2/family';
import type { AnyFamily } from '@deepearth/onnx/family';

/** The first that knows its checkpoints by their tensors takes files without a config.json. */
export const modelFamilies: readonly AnyFamily[] = [vjepa2Family, dinov3Family];

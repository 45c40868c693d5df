// The one place that knows the stages of all packages; none of them is loaded before it is named.

import { createRegistry, type StageRegistry } from '@deepearth/core/registry';
import { stages as aggregators } from '@deepearth/aggregators/stages';
import { stages as eo } from '@deepearth/eo/stages';
import { stages as dinov3 } from '@deepearth/model-dinov3/stages';
import { stages as vjepa2 } from '@deepearth/model-vjepa2/stages';
import { stages as reducers } from '@deepearth/reducers/stages';
import { stages as renderers } from '@deepearth/renderers/stages';
import { stages as sinks } from '@deepearth/sinks/stages';
import { stages as sources } from '@deepearth/sources/stages';
import { stages as transforms } from '@deepearth/transforms/stages';
import { stages as video } from '@deepearth/video/stages';
import { stages as windowers } from '@deepearth/windowers/stages';

/** A registry of the stages of all packages that come with the system. */
export const builtinStages = (): StageRegistry =>
  createRegistry(sources, transforms, windowers, vjepa2, dinov3, aggregators, reducers, renderers, sinks, video, eo);

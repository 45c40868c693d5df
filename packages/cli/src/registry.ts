// The one place that knows the stages of all packages; none of them is loaded before it is named.

import { createRegistry, type StageRegistry } from '@deepearth/core/registry';
import { stages as aggregators } from '@deepearth/aggregators/stages';
import { stages as encoders } from '@deepearth/model-vjepa2/stages';
import { stages as reducers } from '@deepearth/reducers/stages';
import { stages as renderers } from '@deepearth/renderers/stages';
import { stages as sinks } from '@deepearth/sinks/stages';
import { stages as sources } from '@deepearth/sources/stages';
import { stages as windowers } from '@deepearth/windowers/stages';

export const builtinStages = (): StageRegistry =>
  createRegistry(sources, windowers, encoders, aggregators, reducers, renderers, sinks);

// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

export const stages: StageList = {};

// Everything the engine calls, in one module.

export { prepareRow, meanRow, quantizeRow, centreRows, projectRow, spreadRow, orthonormalize, mixRows, narrowRow } from './rows';
export { clearLists, raiseLimits } from './lists';
export { widen, lift, transposeBytes, multiplyInt, multiplyFloat, multiplyManhattan, scanTile } from './tiles';
export { distance, joinLists, rankRow, offerExact } from './neighbours';
export { meanDistance, smoothRow, unite, schedule } from './fuzzy';
export { fillForces, moveNarrow, moveWide, placeRow, nearestPlaces } from './layout';
export { exp, log } from './math';

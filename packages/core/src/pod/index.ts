export { fitsMorePods } from './fits-more-pods.ts';
export { hasGate, isGated } from './gate.ts';
export { imagesToInspect } from './image-knowledge.ts';
export type { UnresolvedImage } from './image-knowledge.ts';
export type { Architectures } from './image-support.ts';
export { isTerminalOrTerminating } from './lifecycle.ts';
export { hasTooManyParts } from './limits.ts';
export { isSkipped } from './skip.ts';
export { taintedArchitectures } from './tainted-architectures.ts';

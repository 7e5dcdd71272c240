export { imagesToInspect } from './image-knowledge.ts';
export type { UnresolvedImage } from './image-knowledge.ts';
export type { Architectures } from './image-support.ts';

export { isWithinBounds } from './bounds.ts';
export type { JsonBounds } from './bounds.ts';
export * from './json.ts';
export * from './read.ts';

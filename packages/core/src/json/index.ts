export { isWithinBounds } from './bounds.ts';
export type { JsonBounds } from './bounds.ts';

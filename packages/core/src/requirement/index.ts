export * from './evaluate.ts';
export * from './tolerations.ts';
export { implies, intersection, valueSetOf } from './value-set.ts';
export type { ValueSet } from './value-set.ts';

export * from './evaluate.ts';
export * from './tolerations.ts';
export { implies, intersection, toValueSet } from './value-set.ts';
export type { ValueSet } from './value-set.ts';

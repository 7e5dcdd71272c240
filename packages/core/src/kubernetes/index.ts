export * from './json.ts';
export * from './facts.ts';
export * from './read.ts';
export * from './pod-spec.ts';

export * from './json.ts';
export * from './facts.ts';
export * from './read.ts';
export * from './pod-spec.ts';
export * from './parse-node.ts';
export * from './parse-namespace.ts';
export * from './parse-pod.ts';
export * from './timestamp.ts';

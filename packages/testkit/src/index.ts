export * from './performance/index.ts';
export * from './certificates/index.ts';
export * from './registry/index.ts';

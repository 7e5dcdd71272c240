export * from './performance/index.ts';
export * from './certificates/index.ts';

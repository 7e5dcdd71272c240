export * from './platform.ts';
export * from './parse.ts';
export * from './supported.ts';

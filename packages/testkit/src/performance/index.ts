export * from './result.ts';
export * from './write.ts';

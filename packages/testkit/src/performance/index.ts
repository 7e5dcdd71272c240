export * from './conditions.ts';
export * from './result.ts';
export * from './write.ts';

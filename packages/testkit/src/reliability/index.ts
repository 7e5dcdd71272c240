export * from './result.ts';
export * from './results-file.ts';

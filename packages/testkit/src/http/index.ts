export * from './any-answer.ts';
export * from './content-encoding.ts';
export * from './raw-server.ts';

export * from './fake-clock.ts';
export * from './fast-clock.ts';

export * from './json.ts';
export * from './facts.ts';

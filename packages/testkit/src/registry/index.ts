export * from './content.ts';
export * from './fake-registry.ts';
export * from './images.ts';

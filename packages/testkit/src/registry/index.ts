export * from './access.ts';
export * from './content.ts';
export * from './costly-pull-secrets.ts';
export * from './encoded-images.ts';
export * from './fake-registry.ts';
export * from './images.ts';
export * from './schema1.ts';
export * from './token-server.ts';

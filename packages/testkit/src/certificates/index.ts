export * from './certificates.ts';
export type { LeafKeyType } from './leaf-key.ts';

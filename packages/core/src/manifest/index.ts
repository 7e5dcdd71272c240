export * from './bounds.ts';
export * from './content.ts';
export * from './declared-platform.ts';
export * from './manifest.ts';
export { ACCEPTED_MEDIA_TYPES } from './media-types.ts';

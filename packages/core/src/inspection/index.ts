export * from './inspection.ts';
export { compareContents } from './content-change.ts';
export type { ContentChange } from './content-change.ts';

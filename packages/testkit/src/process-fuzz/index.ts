export { ProcessTarget } from './process-target.ts';
export type { FuzzedProcess } from './fuzzed-process.ts';

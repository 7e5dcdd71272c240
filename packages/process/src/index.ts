export { connectApi } from './connect-api.ts';
export type { ConnectOptions } from './connect-api.ts';
export { createInstanceId } from './instance-id.ts';
export { ManagedProcess } from './managed-process.ts';
export type { ProcessConfig, ProcessLogger, ProcessParts } from './managed-process.ts';
export { OPERATOR, VERSION, WEBHOOK } from './names.ts';
export { openRegistries } from './open-registries.ts';
export { runProcess } from './run-process.ts';
export type { ProcessOptions } from './run-process.ts';

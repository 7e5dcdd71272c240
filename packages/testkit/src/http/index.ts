export * from './content-encoding.ts';
export { ByteServer } from './byte-server.ts';
export type { ByteConnection } from './byte-server.ts';
export { LoopbackServer } from './loopback-server.ts';
export * from './raw-server.ts';
export type { RawAnswer } from './write-answer.ts';
export { writeAnswer } from './write-answer.ts';

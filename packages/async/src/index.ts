export { aborted, onAbort, waitUnlessAborted } from './abort.ts';
export type { Waited } from './abort.ts';
export { BatchedTimeout } from './batched-timeout.ts';
export type { BatchedTimeoutOptions } from './batched-timeout.ts';
export { startTimer, systemClock } from './clock.ts';
export type { Clock, Random } from './clock.ts';
export { PeriodicYield, yieldToEventLoop } from './event-loop.ts';
export { TimeoutError, waitAtMost, withTimeout } from './timeout.ts';
export type { TimeoutOptions, WithTimeoutOptions } from './timeout.ts';

export { aborted, onAbort, waitUnlessAborted } from './abort.ts';
export type { Waited } from './abort.ts';
export { startTimer, systemClock } from './clock.ts';
export type { Clock, Random } from './clock.ts';
export { PeriodicYield, yieldToEventLoop } from './event-loop.ts';

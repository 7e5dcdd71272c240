import { systemClock } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';

/** A clock that runs faster than the machine's, so that a whole process retries and times out sooner. */
export function fastClock(speed: number): Clock {
  const real = systemClock();
  const start = { now: real.now(), monotonic: real.monotonic() };
  const passed = (): number => (real.monotonic() - start.monotonic) * speed;
  return {
    now: () => start.now + passed(),
    monotonic: () => start.monotonic + passed(),
    sleep: (ms, signal) => real.sleep(ms / speed, signal),
  };
}

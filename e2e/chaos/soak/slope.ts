/** A sample of a quantity. */
export interface Sample {
  /** Seconds since any fixed time. */
  readonly atSeconds: number;
  readonly value: number;
}

/** How a quantity grows, per hour. */
export interface Slope {
  readonly perHour: number;
  /** The bounds of the 95 % confidence interval. */
  readonly low: number;
  readonly high: number;
}

const SECONDS_PER_HOUR = 3_600;
/**
 * Neighbouring samples of a process's memory resemble each other, which would make the interval too narrow. So the samples
 * are averaged in this many batches, whose means are nearly independent (the method of batch means).
 */
const BATCHES = 12;
/** The 97.5 % quantile of Student's t distribution with BATCHES − 2 degrees of freedom. */
const T = 2.228;

/** Fits a line by least squares. Returns undefined if there are fewer samples than batches. */
export function fitSlope(samples: readonly Sample[]): Slope | undefined {
  if (samples.length < BATCHES) return undefined;
  const means = Array.from({ length: BATCHES }, (_, batch) => {
    const from = Math.floor((batch * samples.length) / BATCHES);
    const to = Math.floor(((batch + 1) * samples.length) / BATCHES);
    const part = samples.slice(from, to);
    return {
      x: mean(part.map(({ atSeconds }) => atSeconds / SECONDS_PER_HOUR)),
      y: mean(part.map(({ value }) => value)),
    };
  });
  const [centerX, centerY] = [mean(means.map(({ x }) => x)), mean(means.map(({ y }) => y))];
  const spreadX = sum(means.map(({ x }) => (x - centerX) ** 2));
  if (spreadX === 0) return undefined;
  const perHour = sum(means.map(({ x, y }) => (x - centerX) * (y - centerY))) / spreadX;
  const residuals = sum(means.map(({ x, y }) => (y - centerY - perHour * (x - centerX)) ** 2));
  const half = T * Math.sqrt(residuals / (BATCHES - 2) / spreadX);
  return { perHour, low: perHour - half, high: perHour + half };
}

function mean(numbers: readonly number[]): number {
  return sum(numbers) / numbers.length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

import { TokenBucket } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';
import type { Logger } from './logger.ts';

/**
 * The problems of a registry that requests cannot show, with what to do about them. Their outcomes are also those of other
 * causes, so the log states the cause.
 */
const PROBLEMS = {
  TokenServiceUrlRelative:
    'the registry names its token service by a relative URL; configure the absolute URL in the registry',
  TokenServicePlainHttp:
    'the registry uses HTTPS, but names a token service with HTTP; configure the external URL of the registry, or of the proxy before it',
  TokenServiceUrlInvalid:
    'the registry names its token service by a URL that is too long, has credentials, or is not HTTP',
  TokenServiceBlocked: 'the registries file blocks the token service that the registry names',
  TokenServiceRedirects:
    'the token service answers with a redirect, which is not followed because it would get the credential',
  CredentialHelpersOnly:
    'the docker config has only credential helpers, which are not run; provide it with `auths`, or configure credentialProviders',
} as const;

export type HostProblem = keyof typeof PROBLEMS;

/** Reports problems of registries, each once. */
export interface HostProblems {
  /** @param host the host as written in image references or the registries file */
  report(host: string, problem: HostProblem): void;
}

export const NO_HOST_PROBLEMS: HostProblems = { report: () => undefined };

/** How long a reported problem is not reported again. */
const REPORTED_TTL_MS = 60 * 60_000;
/** Maximum number of problems in memory, because tenants choose hosts. */
const MAX_REPORTED = 1_000;
/** The rate of all lines together: 20 at once, then one a minute. */
const LINES = { perSecond: 1 / 60, burst: 20 };

/** Logs each problem of a host once an hour. The number of lines is bounded, because tenants choose hosts. */
export class LoggedHostProblems implements HostProblems {
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** Maps each host and problem to the time before which it is not logged again (monotonic milliseconds). */
  readonly #reported = new LRUCache<string, number>({ max: MAX_REPORTED });
  readonly #lines: TokenBucket;

  constructor(logger: Pick<Logger, 'warn'>, clock: Pick<Clock, 'monotonic'>) {
    this.#logger = logger;
    this.#clock = clock;
    this.#lines = new TokenBucket(LINES.burst, clock.monotonic());
  }

  report(host: string, problem: HostProblem): void {
    const nowMs = this.#clock.monotonic();
    const key = `${problem} ${host}`;
    if ((this.#reported.get(key) ?? 0) > nowMs || this.#lines.reserve(LINES, nowMs, 0) > 0) return;
    this.#reported.set(key, nowMs + REPORTED_TTL_MS);
    this.#logger.warn({ host, problem, detail: PROBLEMS[problem] }, 'registry cannot be used as configured');
  }
}

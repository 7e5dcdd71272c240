import type { EndpointCredential } from '../auth/auth-attempt.ts';
import type { Credential } from '../auth/credential.ts';
import type { Keyring } from '../auth/keyring.ts';
import type { Endpoint } from '../config/endpoint.ts';
import type { Registries } from '../config/registries.ts';
import type { HostFailureLog } from '../failure-log/host-failure-log.ts';
import type { FailedRequest } from '../failure-log/group-failures.ts';
import { failed, failedBecause, isRejection } from '../http/outcome.ts';
import type { FetchFailure, Fetched } from '../http/outcome.ts';
import type { ParsedImage } from '../image/image-key.ts';
import type { BackgroundPermit } from '../limits/background-permit.ts';
import { mirrorDeadlineMs } from './deadlines.ts';
import type { FetchRequest } from './fetcher.ts';
import { allowsStaleOnError } from './freshness.ts';
import type { Step } from './freshness.ts';
import type { ImageCache } from './image-cache.ts';
import type { Revalidator } from './revalidator.ts';
import type { SingleFlightFetcher } from './single-flight-fetcher.ts';

/** The result of an inspection: an answer, or why there is none. */
export type Resolution = Extract<Step, { readonly kind: 'answer' | 'fail' }>;

/** An image, and everything that the result of its inspection depends on. */
export interface ResolveRequest {
  readonly image: ParsedImage;
  /** The credentials in the pod's pull secrets that apply to the image. */
  readonly podCredentials: readonly Credential[];
  readonly softTtlMs: number;
  readonly registries: Registries;
  /** The namespace whose share the requests use. */
  readonly tenant?: string | undefined;
  /** Undefined when a pod waits for the inspection. */
  readonly permit: BackgroundPermit | undefined;
  /** Whether the second half of a quota that a registry reports is left to other inspections. */
  readonly leavesQuota: boolean;
  readonly signal: AbortSignal;
  /** Returns a signal that aborts after this time (milliseconds). */
  readonly abortAfter: (ms: number) => AbortSignal;
}

interface AttemptRequest extends FetchRequest {
  /** Returns the signal of a request to a mirror. */
  readonly mirrorSignal: () => AbortSignal;
  /** Called with each failure of a request. */
  readonly onFailure: (failure: FetchFailure) => void;
}

interface Parts {
  readonly failureLog: Pick<HostFailureLog, 'record'>;
  readonly keyring: Keyring;
  readonly cache: ImageCache;
  readonly fetcher: SingleFlightFetcher;
  readonly revalidator: Revalidator;
}

/**
 * Maximum number of steps of an attempt. Usually a HEAD and a GET are enough. Both are repeated when a tag moved or an
 * entry was evicted in between.
 */
const MAX_STEPS = 6;
/**
 * Maximum number of fetches of other inspections that an attempt waits for. Each may fail because of its credential, so
 * that a tenant with many wrong ones could otherwise delay the image for others. Two, because the first may have to yield.
 */
const MAX_JOINED = 2;

/** Makes the attempts of an inspection: decides the next step from the caches, acts, and decides again (I2). */
export class Resolver {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Makes attempts until one succeeds, and logs the requests that failed. Continues after a rejection, and after the rate
   * limit of a credential (another one has its own limit), with the next credential; after any failure of a mirror with
   * the next endpoint.
   */
  async resolve(request: ResolveRequest): Promise<Resolution> {
    const { image, registries, tenant, permit, leavesQuota, signal, softTtlMs, abortAfter } = request;
    const { cache, failureLog } = this.#parts;
    const failures: FailedRequest[] = [];
    const logged = (resolution: Resolution): Resolution => {
      failureLog.record({ tenant, hasAnswer: resolution.kind === 'answer' }, failures);
      return resolution;
    };
    const found = await this.#findAttempts(request);
    if (found.kind === 'failed') return logged(this.#staleOr(found, request));
    const attempts = found.value;
    await cache.load(image, attempts, registries);
    const mirrorMs = mirrorDeadlineMs(new Set(attempts.map(({ endpoint }) => endpoint)).size);
    const mirrorSignal = (): AbortSignal => AbortSignal.any([signal, abortAfter(mirrorMs)]);
    let failure: FetchFailure = failed('Blocked');
    let rateLimit: FetchFailure | undefined;
    let failing: Endpoint | undefined;
    for (const attempt of attempts) {
      // Another credential does not help, and would take its own time.
      if (attempt.endpoint === failing) continue;
      const context = { registries, attempt, tenant, permit, leavesQuota, signal };
      const resolution = await this.#attempt({
        ...{ image, softTtlMs, context, mirrorSignal },
        onFailure: (failure) => failures.push(toFailedRequest(attempt, failure)),
      });
      if (resolution.kind === 'answer') return logged(resolution);
      failure = moreSpecificFailure(failure, resolution.failure);
      if (permit?.isRejected === true) break;
      rateLimit ??= upstreamRateLimit(attempt, resolution.failure);
      if (affectsAllCredentials(resolution.failure)) failing = attempt.endpoint;
    }
    // A rejection of another credential is no answer for the one that is limited: it may have access.
    failure = rateLimit ?? failure;
    const stale = allowsStaleOnError(failure) ? cache.findStale(image, attempts.map(toScope)) : undefined;
    return logged(stale ?? { kind: 'fail', failure });
  }

  #findAttempts(request: ResolveRequest): Promise<Fetched<readonly EndpointCredential[]>> {
    const { image, podCredentials, registries, tenant, permit, signal } = request;
    const priority = permit === undefined ? 'admission' : 'background';
    return this.#parts.keyring.attempts(image, podCredentials, registries, { tenant, priority, signal });
  }

  /** Returns a stale entry, if there is one, or else the failure to get the credentials of plugins. */
  #staleOr(failure: FetchFailure, { image, podCredentials, registries }: ResolveRequest): Resolution {
    const { keyring, cache } = this.#parts;
    return cache.findStale(image, keyring.scopes(image, podCredentials, registries)) ?? { kind: 'fail', failure };
  }

  async #attempt(request: AttemptRequest): Promise<Resolution> {
    const { image, context } = request;
    const { permit, signal, attempt } = context;
    const { cache, fetcher } = this.#parts;
    let joined = 0;
    for (let steps = 0; steps < MAX_STEPS && !signal.aborted;) {
      // A fetch in flight may store the result. If the fetch uses another credential, this attempt then needs only a
      // HEAD. Nothing is awaited between this check and the fetch below, so that only one of many inspections fetches.
      const isAlone = joined === MAX_JOINED;
      const inFlight = isAlone ? undefined : fetcher.join(image, permit);
      if (inFlight !== undefined) {
        joined += 1;
        await inFlight;
        continue;
      }
      const step = cache.nextStep(request);
      if (step.kind === 'answer' || step.kind === 'fail') return step;
      if (permit?.isPending === true) {
        // Acquire the permit before the fetch is in flight, so that an inspection that needs no permit can fetch while
        // this one waits.
        const rejection = await permit.acquireFirst(attempt.endpoint.host, step.kind === 'fetch', signal);
        if (rejection !== undefined) return { kind: 'fail', failure: rejection };
        continue;
      }
      const failure = await this.#act(step, { ...request, isAlone });
      if (failure !== undefined) {
        const stored = cache.storeFailure(request, failure);
        request.onFailure(stored);
        return { kind: 'fail', failure: stored };
      }
      steps += 1;
    }
    return { kind: 'fail', failure: failed('Deadline') };
  }

  async #act(
    step: Exclude<Step, Resolution>,
    { mirrorSignal, ...request }: AttemptRequest,
  ): Promise<FetchFailure | undefined> {
    const { context } = request;
    if (!context.attempt.endpoint.mirror) return this.#send(step, request);
    const signal = mirrorSignal();
    const failure = await this.#send(step, { ...request, context: { ...context, signal } });
    // The mirror's time is over, not that of the inspection.
    return failure?.reason === 'Deadline' && !context.signal.aborted
      ? failedBecause(failure.cause ?? { kind: 'timeout' }, 'Unavailable')
      : failure;
  }

  #send(step: Exclude<Step, Resolution>, request: FetchRequest): Promise<FetchFailure | undefined> {
    const { fetcher, revalidator } = this.#parts;
    return step.kind === 'fetch' ? fetcher.fetch(step.reference, request) : revalidator.revalidate(request);
  }
}

function toFailedRequest({ endpoint, credential }: EndpointCredential, failure: FetchFailure): FailedRequest {
  const { host, repository, mirror } = endpoint;
  const source = credential === undefined ? 'none' : (credential.source ?? 'a credential');
  return { host, repository, isMirror: mirror, source, failure };
}

/**
 * Returns the more specific of two failures. "Not found" is more specific than a later "unauthorized", because the
 * registry accepted the earlier credential. (Registries return "not found" also for content that a credential may not
 * read.)
 */
function moreSpecificFailure(before: FetchFailure, after: FetchFailure): FetchFailure {
  return before.reason === 'NotFound' && after.reason === 'Unauthorized' ? before : after;
}

/** Returns the failure if it is the rate limit of a credential at the registry itself. */
function upstreamRateLimit({ endpoint }: EndpointCredential, failure: FetchFailure): FetchFailure | undefined {
  return failure.reason === 'RateLimited' && !endpoint.mirror ? failure : undefined;
}

/** Whether another credential would fail as well. Each credential has its own access and its own rate limit. */
function affectsAllCredentials(failure: FetchFailure): boolean {
  return failure.reason !== 'RateLimited' && !isRejection(failure);
}

function toScope({ scope }: EndpointCredential): string {
  return scope;
}

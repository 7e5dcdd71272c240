import { BatchedTimeout, SharedWork, SingleFlight, IterationLimit, waitAtMost } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { FactSource, Inspection, MissingPlatform } from '@archpolicy/core';
import type { Credential, PullSecret } from '../auth/credential.ts';
import type { Keyring } from '../auth/keyring.ts';
import { HARD_TTL_MS, SOFT_TTL_MS } from '../cache/tag-times.ts';
import type { HostFailureLog } from '../failure-log/host-failure-log.ts';
import { normalizeHost } from '../hosts/host-pattern.ts';
import type { RegistriesSource } from '../config/registries-file.ts';
import { failedBecause } from '../http/outcome.ts';
import type { BackgroundLimiter } from '../limits/background-limiter.ts';
import { BackgroundPermit } from '../limits/background-permit.ts';
import { NewImageShares } from '../limits/new-image-shares.ts';
import type { RegistryMetrics } from '../metrics.ts';
import { abortAt, WORK_DEADLINE_MS } from './deadlines.ts';
import { currentAge } from './freshness.ts';
import type { Answer } from './freshness.ts';
import type { ImageCache } from './image-cache.ts';
import type { InspectRequest } from './inspect-request.ts';
import { INSPECTION_LIMITS, slotsFor } from './inspection-limit.ts';
import type { InspectionClass } from './inspection-limit.ts';
import { KnownHosts } from './known-hosts.ts';
import type { PlatformCheck, PlatformCheckRequest, PlatformChecker } from './platform-checker.ts';
import type { Resolution, Resolver } from './resolver.ts';
import { ReferenceCache } from '../image/image-key.ts';
import type { ParsedImage } from '../image/image-key.ts';

/** Determines the platforms of images. All access to registries goes through an inspector. */
export interface Inspector {
  /** Returns the platforms of an image. Never rejects because of a registry, the network or a tenant. */
  inspect(request: InspectRequest): Promise<Inspection>;
  /**
   * Checks whether the registry still has the manifests that an index lists for a platform. If they are missing, later
   * inspections with the same credentials return the platform as missing. Never rejects because of a registry, the
   * network or a tenant.
   */
  checkPlatform(request: PlatformCheckRequest): Promise<PlatformCheck>;
  /** Ends all connections and work in flight. Afterwards every inspection that needs a request is `Unavailable`. */
  close(): Promise<void>;
}

/**
 * Inspections whose work starts within this time share one abort signal. So the deadline of an inspection may be
 * earlier by up to this time.
 */
const SHARED_DEADLINE_MS = 1_000;
/**
 * Inspections that one iteration of the event loop accepts, and starts, at most. Each takes up to 0.5 ms, and a pod has up to 256
 * images: all at once would delay the answers for other pods by a tenth of a second.
 */
const MAX_PER_ITERATION = 8;
const NO_SECRETS: readonly PullSecret[] = [];

/** A parsed request. */
interface Work {
  readonly image: ParsedImage;
  /** The pod's own credentials for the image. */
  readonly podCredentials: readonly Credential[];
  readonly softTtlMs: number;
  readonly request: InspectRequest;
}

interface ClassifiedWork {
  readonly kind: InspectionClass;
  readonly key: string;
}

/** One execution of a piece of work. */
interface Execution {
  readonly host: string;
  readonly kind: InspectionClass;
  /** Aborts when the work has to yield its slots to other work. */
  readonly yielded: AbortSignal;
}

interface Parts {
  readonly cache: ImageCache;
  readonly resolver: Resolver;
  readonly platformChecker: PlatformChecker;
  readonly keyring: Keyring;
  readonly registries: RegistriesSource;
  readonly failureLog: Pick<HostFailureLog, 'record'>;
  readonly backgroundLimiter: BackgroundLimiter;
  readonly clock: Clock;
  readonly metrics: RegistryMetrics;
  readonly close: () => Promise<void>;
}

/**
 * Answers from memory if possible. Otherwise starts the work, or joins the work of an earlier call, and waits within
 * the caller's budget.
 */
export class ImageInspector implements Inspector {
  readonly #parts: Parts;
  readonly #references = new ReferenceCache();
  readonly #checks = new SingleFlight<PlatformCheck>();
  readonly #work: SharedWork<InspectionClass, Resolution>;
  readonly #shares: NewImageShares;
  readonly #knownHosts = new KnownHosts();
  readonly #deadlines: BatchedTimeout;
  readonly #accepted = new IterationLimit(MAX_PER_ITERATION);
  readonly #started = new IterationLimit(MAX_PER_ITERATION);
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#work = new SharedWork({ ...INSPECTION_LIMITS, clock: parts.clock });
    this.#shares = new NewImageShares(parts.clock);
    this.#deadlines = new BatchedTimeout({ clock: parts.clock, shareMs: SHARED_DEADLINE_MS });
  }

  inspect(request: InspectRequest): Promise<Inspection> {
    const image = this.#references.parse(request.reference);
    if (image === undefined) return Promise.resolve(this.#recordOutcome(unresolved('InvalidReference')));
    const { keyring, cache, registries: source } = this.#parts;
    const registries = source.current();
    if (registries.blocksImagesOf(image.reference.registry)) {
      return Promise.resolve(this.#recordOutcome(this.#blocked(image, request.tenant)));
    }
    const podCredentials = keyring.podCredentials(image, request.pullSecrets ?? NO_SECRETS);
    const scopes = keyring.scopes(image, podCredentials, registries);
    const softTtlMs = softTtlFor(image, request);
    const fresh = cache.findFresh(image, scopes, softTtlMs);
    if (fresh !== undefined)
      return Promise.resolve(this.#recordOutcome(this.#toInspection(fresh, image, scopes, 'memory')));
    return this.#inspectUncached({ image, podCredentials, softTtlMs, request }, scopes);
  }

  checkPlatform({
    reference,
    pullSecrets = NO_SECRETS,
    tenant,
    ...platform
  }: PlatformCheckRequest): Promise<PlatformCheck> {
    const image = this.#references.parse(reference);
    const { keyring, registries: source, platformChecker, backgroundLimiter, clock } = this.#parts;
    const registries = source.current();
    if (image === undefined || this.#closed || registries.blocksImagesOf(image.reference.registry)) {
      return Promise.resolve('unknown');
    }
    const podCredentials = keyring.podCredentials(image, pullSecrets);
    const scopes = keyring.scopes(image, podCredentials, registries);
    const { digest, os, architecture } = platform;
    return this.#checks.do(`${scopes.join(' ')} ${image.key} ${digest} ${os}/${architecture}`, () => {
      const signal = this.#deadlines.signal(clock.monotonic() + WORK_DEADLINE_MS);
      const permit = new BackgroundPermit(backgroundLimiter, registries);
      return platformChecker.check(platform, { image, podCredentials, registries, tenant, permit, signal });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#deadlines.close();
    await this.#parts.close();
  }

  async #inspectUncached(work: Work, scopes: readonly string[]): Promise<Inspection> {
    if (this.#closed) return this.#recordOutcome(unresolved('Unavailable'));
    const { image, request } = work;
    const { tenant = '', budgetMs, signal } = request;
    const { clock } = this.#parts;
    const untilMs = clock.monotonic() + budgetMs;
    const accepted = this.#accepted.next(tenant);
    if (accepted !== undefined) await accepted;
    const host = normalizeHost(image.host);
    const { key, kind } = this.#classify(work, scopes);
    const pools = () => slotsFor(kind, host, this.#knownHosts.has(host));
    const slot = { key, priority: kind, tenant, group: host, isKept: kind === 'background', pools };
    const joined = this.#work.join(slot, (yielded) => this.#start(work, { host, kind, yielded }));
    if (joined === undefined) return this.#staleOrLate(image, scopes);
    try {
      const ms = Math.max(0, untilMs - clock.monotonic());
      const waited = await waitAtMost(joined.result, { clock, ms, signal });
      if (waited.kind === 'done') return this.#recordOutcome(this.#toInspection(waited.value, image, scopes));
      return this.#staleOrLate(image, scopes);
    } finally {
      joined.leave();
    }
  }

  /**
   * Returns the class of an inspection and the key under which calls share it. The key contains the class: a pod must
   * not wait for the permits of a background inspection.
   */
  #classify({ image, softTtlMs, request }: Work, scopes: readonly string[]): ClassifiedWork {
    const key = `${scopes.join(' ')} ${softTtlMs} ${image.key}`;
    if (request.isDryRun === true) return { kind: 'background', key: `dry-run ${key}` };
    if (request.priority === 'background') return { kind: 'background', key: `background ${key}` };
    const isWithinShare =
      this.#work.has(`admission ${key}`) ||
      this.#parts.cache.findStale(image, scopes) !== undefined ||
      this.#shares.take(request.tenant ?? '');
    return isWithinShare ? { kind: 'admission', key: `admission ${key}` } : { kind: 'excess', key: `excess ${key}` };
  }

  #staleOrLate(image: ParsedImage, scopes: readonly string[]): Inspection {
    const stale = this.#parts.cache.findStale(image, scopes);
    return this.#recordOutcome(
      stale === undefined ? unresolved('Deadline') : this.#toInspection(stale, image, scopes, 'memory'),
    );
  }

  #start(work: Work, execution: Execution): Promise<Resolution> {
    const started = this.#started.next(work.request.tenant ?? '');
    return started === undefined ? this.#resolve(work, execution) : started.then(() => this.#resolve(work, execution));
  }

  #resolve(work: Work, { host, kind, yielded }: Execution): Promise<Resolution> {
    const { image, podCredentials, softTtlMs, request } = work;
    const { registries: source, resolver, backgroundLimiter, clock } = this.#parts;
    const registries = source.current();
    const deadline = this.#deadlines.signal(clock.monotonic() + WORK_DEADLINE_MS);
    const signal = AbortSignal.any([deadline, yielded]);
    const { isDryRun = false, tenant = '' } = request;
    const takeShare = isDryRun ? () => this.#shares.takeForDryRun(tenant) : undefined;
    const permit = kind === 'background' ? new BackgroundPermit(backgroundLimiter, registries, takeShare) : undefined;
    const leavesQuota = isDryRun || kind === 'excess';
    const abortAfter = (ms: number): AbortSignal => abortAt(this.#deadlines, clock.monotonic() + ms);
    const resolving = resolver.resolve({
      ...{ image, podCredentials, softTtlMs, registries },
      ...{ tenant, permit, leavesQuota, signal, abortAfter },
    });
    return resolving.then((resolution) => {
      if (this.#knownHosts.record(host, resolution)) this.#work.regroup(host);
      return resolution;
    });
  }

  /** Logs that the registries file blocks the registry. */
  #blocked({ reference }: ParsedImage, tenant: string | undefined): Inspection {
    const { registry: host, repository } = reference;
    const failure = failedBecause({ kind: 'blocked-host' }, 'Blocked');
    const request = { host, repository, isMirror: false, failure };
    this.#parts.failureLog.record({ tenant, hasAnswer: false }, [request]);
    return unresolved('Blocked');
  }

  #toInspection(
    resolution: Resolution,
    image: ParsedImage,
    scopes: readonly string[],
    source?: FactSource,
  ): Inspection {
    if (resolution.kind === 'answer') {
      const { cache, clock } = this.#parts;
      const missing = cache.missingPlatforms(image, scopes, resolution.tag.digest);
      return resolved(resolution, missing, source ?? resolution.facts.source, clock.now());
    }
    const { reason, retryAtMs } = resolution.failure;
    return unresolved(reason, retryAtMs);
  }

  #recordOutcome(inspection: Inspection): Inspection {
    const labels =
      inspection.kind === 'resolved'
        ? { outcome: 'resolved' as const, source: inspection.source }
        : { outcome: inspection.reason, source: 'none' as const };
    this.#parts.metrics.inspection(labels);
    return inspection;
  }
}

function softTtlFor(image: ParsedImage, { pullPolicy, maxAgeMs = Number.POSITIVE_INFINITY }: InspectRequest): number {
  // Content under a digest never changes, so only the registry's permission for this scope expires.
  if (image.reference.digest !== undefined) return Math.min(HARD_TTL_MS, maxAgeMs);
  return Math.min(pullPolicy === 'Always' ? SOFT_TTL_MS.always : SOFT_TTL_MS.otherwise, maxAgeMs);
}

function resolved(
  { tag, facts }: Answer,
  missing: readonly MissingPlatform[] | undefined,
  source: FactSource,
  nowMs: number,
): Inspection {
  const { content } = facts;
  if (content.kind === 'unknown') return unresolved('UnknownPlatform');
  if (content.kind === 'malformed') return unresolved('Malformed');
  const neutral = content.kind === 'neutral';
  const platforms = neutral ? [] : content.platforms;
  const single = content.kind === 'platforms' && content.single === true && { single: true as const };
  const declared = { digest: tag.digest, platforms, neutral, ...single, ...(missing !== undefined && { missing }) };
  return { kind: 'resolved', facts: declared, source, ageMs: currentAge(tag, nowMs) };
}

function unresolved(reason: (Inspection & { readonly kind: 'unresolved' })['reason'], retryAtMs?: number): Inspection {
  return { kind: 'unresolved', reason, ...(retryAtMs === undefined ? {} : { retryAtMs }) };
}

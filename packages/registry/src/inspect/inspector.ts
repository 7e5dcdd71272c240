import { BatchedTimeout, KeyedConcurrencyLimit, SingleFlight, waitAtMost } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { FactSource, Inspection } from '@archpolicy/core';
import type { Credential, PullSecret } from '../auth/credential.ts';
import type { Keyring } from '../auth/keyring.ts';
import { normalHost } from '../hosts/host-pattern.ts';
import type { RegistriesSource } from '../config/registries-file.ts';
import { BackgroundPermit } from '../limits/background-limiter.ts';
import type { BackgroundLimiter } from '../limits/background-limiter.ts';
import type { RegistryMetrics } from '../metrics.ts';
import { HARD_TTL_MS, SOFT_TTL_MS, ageOf } from './plan.ts';
import type { Resolution, Resolver } from './resolver.ts';
import { INSPECTION_LIMIT } from './inspection-limit.ts';
import { Subjects } from '../image/image-key.ts';
import type { Subject } from '../image/image-key.ts';

/** Inspect this reference, with these credentials, within this time. */
export interface InspectRequest {
  /** The `image` field of a container, as written. */
  readonly reference: string;
  /** The pod's imagePullSecrets, in their order. Pass the same objects again to spare parsing them. */
  readonly pullSecrets?: readonly PullSecret[];
  /** The container's `imagePullPolicy`: with `Always` a tag is looked at again after a minute instead of ten. */
  readonly pullPolicy?: string;
  /**
   * `background` when no pod waits for it (recheck, keep-warm): its requests are rate-limited per registry, so that they
   * neither overload it nor delay pods. `admission` by default.
   */
  readonly priority?: InspectionPriority;
  /** Believe nothing older than this, milliseconds: to look again before what is known is past its time. */
  readonly maxAgeMs?: number;
  /** How long the caller waits, milliseconds. Work that takes longer goes on and answers the next one who asks. */
  readonly budgetMs: number;
  /** Ends the wait at once; the answer then is `Deadline`, or what was known before. */
  readonly signal?: AbortSignal;
}

export type InspectionPriority = 'admission' | 'background';

/** The one door to registries. */
export interface Inspector {
  /** On which platforms an image can run. Never rejects for what a registry, network or tenant does. */
  inspect(request: InspectRequest): Promise<Inspection>;
  /** Ends all connections and work in flight. Afterwards every inspection that needs a request is `Unavailable`. */
  close(): Promise<void>;
}

/** No working registry takes longer. Ends work whose callers have gone. */
const WORK_DEADLINE_MS = 15_000;
/** Work that begins within this time shares a signal, and may have that much less. */
const SHARED_DEADLINE_MS = 1_000;
const NO_SECRETS: readonly PullSecret[] = [];

type Answer = Extract<Resolution, { readonly kind: 'answer' }>;

/** What a request asks for, with what was found out about it at once. */
interface Work {
  readonly subject: Subject;
  /** The pod's own credentials for the image. */
  readonly ofPod: readonly Credential[];
  readonly request: InspectRequest;
}

interface Parts {
  readonly resolver: Resolver;
  readonly keyring: Keyring;
  readonly registries: RegistriesSource;
  readonly backgroundLimiter: BackgroundLimiter;
  readonly clock: Clock;
  readonly metrics: RegistryMetrics;
  readonly close: () => Promise<void>;
}

/** Answers from memory at once; else joins or starts the work and waits for it within the caller's budget. */
export class ImageInspector implements Inspector {
  readonly #parts: Parts;
  readonly #subjects = new Subjects();
  readonly #work = new SingleFlight<Resolution>();
  readonly #limit = new KeyedConcurrencyLimit(INSPECTION_LIMIT);
  readonly #deadlines: BatchedTimeout;
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#deadlines = new BatchedTimeout({ clock: parts.clock, shareMs: SHARED_DEADLINE_MS });
  }

  inspect(request: InspectRequest): Promise<Inspection> {
    const subject = this.#subjects.of(request.reference);
    if (subject === undefined) return Promise.resolve(this.#counted(unresolved('InvalidReference')));
    const registries = this.#parts.registries.current();
    if (registries.entryFor(subject.reference.registry)?.blocked === true) {
      return Promise.resolve(this.#counted(unresolved('Blocked')));
    }
    const ofPod = this.#parts.keyring.ofPod(subject, request.pullSecrets ?? NO_SECRETS);
    const scopes = this.#parts.keyring.scopes(subject, ofPod, registries);
    const warm = this.#parts.resolver.warm(subject, scopes, softTtl(subject, request));
    if (warm !== undefined) return Promise.resolve(this.#counted(this.#inspection(warm, 'memory')));
    return this.#cold({ subject, ofPod, request }, scopes);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#deadlines.close();
    await this.#parts.close();
  }

  async #cold(work: Work, scopes: readonly string[]): Promise<Inspection> {
    const { subject, request } = work;
    if (this.#closed) return this.#counted(unresolved('Unavailable'));
    const softTtlMs = softTtl(subject, request);
    const priority = request.priority ?? 'admission';
    // A pod must not wait for the permits of a background inspection.
    const key = `${priority} ${scopes.join(' ')} ${softTtlMs} ${subject.key}`;
    const slot = { priority, key: normalHost(subject.host), item: subject.key };
    const start = (): Promise<Resolution> => this.#resolve(work, softTtlMs);
    const running = this.#work.get(key) ?? this.#share(key, this.#limit.run(slot, start));
    if (running === undefined) return this.#staleOr('Unavailable', subject, scopes);
    const waited = await waitAtMost(running, {
      clock: this.#parts.clock,
      ms: request.budgetMs,
      signal: request.signal,
    });
    if (waited.kind === 'done') return this.#counted(this.#inspection(waited.value));
    return this.#staleOr('Deadline', subject, scopes);
  }

  #share(key: string, work: Promise<Resolution> | undefined): Promise<Resolution> | undefined {
    return work === undefined ? undefined : this.#work.do(key, () => work);
  }

  #staleOr(reason: 'Unavailable' | 'Deadline', subject: Subject, scopes: readonly string[]): Inspection {
    const stale = this.#parts.resolver.stale(subject, scopes);
    return this.#counted(stale === undefined ? unresolved(reason) : this.#inspection(stale, 'memory'));
  }

  async #resolve({ subject, ofPod, request: { priority } }: Work, softTtlMs: number): Promise<Resolution> {
    const { registries: source, keyring, resolver, backgroundLimiter, clock } = this.#parts;
    const registries = source.current();
    const signal = this.#deadlines.signal(clock.monotonic() + WORK_DEADLINE_MS);
    const accesses = await keyring.accesses(subject, ofPod, registries, signal);
    const permit = priority === 'background' ? { permit: new BackgroundPermit(backgroundLimiter, registries) } : {};
    return resolver.resolve({ subject, accesses, softTtlMs, registries, signal, ...permit });
  }

  #inspection(resolution: Resolution, source?: FactSource): Inspection {
    if (resolution.kind === 'answer') {
      return resolved(resolution, source ?? resolution.facts.source, this.#parts.clock.now());
    }
    const { reason, retryAtMs } = resolution.failure;
    return unresolved(reason, retryAtMs);
  }

  #counted(inspection: Inspection): Inspection {
    const labels =
      inspection.kind === 'resolved'
        ? { outcome: 'resolved' as const, source: inspection.source }
        : { outcome: inspection.reason, source: 'none' as const };
    this.#parts.metrics.inspection(labels);
    return inspection;
  }
}

function softTtl(subject: Subject, { pullPolicy, maxAgeMs = Number.POSITIVE_INFINITY }: InspectRequest): number {
  // A digest cannot move: all that ages is the registry's word that this scope may see it.
  if (subject.reference.digest !== undefined) return Math.min(HARD_TTL_MS, maxAgeMs);
  return Math.min(pullPolicy === 'Always' ? SOFT_TTL_MS.always : SOFT_TTL_MS.otherwise, maxAgeMs);
}

function resolved({ shown, facts }: Answer, source: FactSource, nowMs: number): Inspection {
  const { content } = facts;
  if (content.kind === 'unknown') return unresolved('UnknownPlatform');
  if (content.kind === 'malformed') return unresolved('Malformed');
  const neutral = content.kind === 'neutral';
  const platforms = neutral ? [] : content.platforms;
  const single = content.kind === 'platforms' && content.single === true && { single: true as const };
  const declared = { digest: shown.digest, platforms, neutral, ...single };
  return { kind: 'resolved', facts: declared, source, ageMs: ageOf(shown, nowMs) };
}

function unresolved(reason: (Inspection & { readonly kind: 'unresolved' })['reason'], retryAtMs?: number): Inspection {
  return { kind: 'unresolved', reason, ...(retryAtMs === undefined ? {} : { retryAtMs }) };
}

import type { Clock } from '@archpolicy/async';
import { SingleFlight } from '@archpolicy/async';
import { ANONYMOUS_SCOPE } from '../auth/access.ts';
import type { Access } from '../auth/access.ts';
import type { FactCache } from '../cache/fact-cache.ts';
import type { Shown } from '../cache/memory-cache.ts';
import type { Registries } from '../config/registries.ts';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { BackgroundPermit } from '../limits/background-limiter.ts';
import { ContentReader } from './content-reader.ts';
import type { Content } from './content-reader.ts';
import { ageOf, HARD_TTL_MS, planInspection, saysNothing, staleAnswer } from './plan.ts';
import type { Known, Plan } from './plan.ts';
import { refusalOf } from '../cache/negative-cache.ts';
import { RegistryReader } from './registry-reader.ts';
import type { ReaderParts } from './registry-reader.ts';
import type { Subject } from '../image/image-key.ts';
import { UselessHeads } from './useless-heads.ts';

/** What came of asking: an answer, or why there is none. */
export type Resolution = Extract<Plan, { readonly kind: 'answer' | 'refuse' }>;

/** One question, with everything that its answer depends on. */
export interface Question {
  readonly subject: Subject;
  /** The ways to ask, in the order in which they are tried. */
  readonly accesses: readonly Access[];
  readonly softTtlMs: number;
  readonly registries: Registries;
  /** For what no pod waits for: taken before the first request. */
  readonly permit?: BackgroundPermit;
  readonly signal: AbortSignal;
}

/** Facts of an image of which a part was missing. */
const INCOMPLETE_TTL_MS = 30_000;
/** HEAD, GET, and once more when a tag moved or an entry was evicted in between. */
const MAX_STEPS = 6;
/** As long as a dead holder's lock lives (K4). */
const MAX_LOCK_WAIT_MS = 2_000;
/** A manifest takes 20 to 200 ms to read. */
const LOCK_POLL_MS = 20;
/** Stands for every scope: a tag that anyone was shown is known to exist. */
const ANY_SCOPE = '*';

/** Works an inspection out: looks at what is known, takes the cheapest next step, looks again (I2). */
export class Resolver {
  readonly #reading: ReaderParts;
  readonly #cache: FactCache;
  readonly #clock: Clock;
  readonly #fetches = new SingleFlight<FetchFailure | undefined>();
  /** Of fetches for which no pod waits, by subject. */
  readonly #permits = new Map<string, BackgroundPermit>();
  readonly #uselessHeads: UselessHeads;

  constructor(reading: ReaderParts, cache: FactCache, clock: Clock) {
    this.#reading = reading;
    this.#cache = cache;
    this.#clock = clock;
    this.#uselessHeads = new UselessHeads(clock);
  }

  /** An answer without any request, from any of the scopes; undefined when one is needed. */
  warm(
    subject: Subject,
    scopes: readonly string[],
    softTtlMs: number,
  ): (Plan & { readonly kind: 'answer' }) | undefined {
    const now = this.#clock.now();
    for (const scope of scopes) {
      // The first line of the plan, without looking up what the others need: this is every pod's way.
      const shown = this.#cache.shown(scope, subject.key);
      if (shown === undefined || ageOf(shown, now) >= softTtlMs) continue;
      const facts = this.#cache.facts(subject.host, shown.digest, now);
      if (facts !== undefined) return { kind: 'answer', shown, facts };
    }
    return undefined;
  }

  /** What may be served although it is past its time; undefined when nothing is known. */
  stale(subject: Subject, scopes: readonly string[]): (Plan & { readonly kind: 'answer' }) | undefined {
    const now = this.#clock.now();
    return scopes.map((scope) => staleAnswer(this.#known(subject, scope, now), now)).find((plan) => plan !== undefined);
  }

  /** Tries each access until one works. A registry that says no leaves the next to be tried; one that is silent ends it. */
  async resolve(question: Question): Promise<Resolution> {
    const scopes = question.accesses.map(({ scope }) => scope);
    await this.#load(question.subject, question.accesses);
    let refusal: FetchFailure = failed('Blocked');
    for (const access of question.accesses) {
      const resolution = await this.#attempt(question, access);
      if (resolution.kind === 'answer') return resolution;
      refusal = moreTelling(refusal, resolution.failure);
      const isFinal = !access.endpoint.mirror && !isRefusal(resolution.failure);
      if (isFinal) break;
    }
    const stale = saysNothing(refusal) ? this.stale(question.subject, scopes) : undefined;
    return stale ?? { kind: 'refuse', failure: refusal };
  }

  async #attempt(question: Question, access: Access): Promise<Resolution> {
    const { subject, softTtlMs, permit, signal } = question;
    for (let steps = 0; steps < MAX_STEPS && !signal.aborted;) {
      // What others bring may be all that is needed; with another credential a HEAD follows, since what was shown to one
      // is not shown to all. Between this look and our own fetch nothing waits, so that only one of many goes ahead.
      const others = this.#fetches.get(subject.key);
      if (others !== undefined) {
        if (permit === undefined) this.#permits.get(subject.key)?.promote();
        await others;
        continue;
      }
      const now = this.#clock.now();
      const known = this.#known(subject, access.scope, now, askerOf(access));
      const plan = planInspection(known, subject.wanted, softTtlMs, now);
      if (plan.kind === 'answer' || plan.kind === 'refuse') return plan;
      if (permit?.isPending === true) {
        // Waited for here, where nobody waits for this one; meanwhile others may bring what it needs.
        const tooEarly = await permit.acquireFirst(access.endpoint.host, signal);
        if (tooEarly !== undefined) return { kind: 'refuse', failure: tooEarly };
        continue;
      }
      const failure = await this.#act(plan, question, access);
      if (failure !== undefined) return { kind: 'refuse', failure: this.#remember(failure, access, subject) };
      steps += 1;
    }
    return { kind: 'refuse', failure: failed('Deadline') };
  }

  /** Undefined when it brought something into the cache. */
  async #act(plan: Plan, question: Question, access: Access): Promise<FetchFailure | undefined> {
    if (plan.kind === 'fetch') return this.#fetchOnce(plan.reference, question, access);
    return this.#revalidate(question, access);
  }

  async #revalidate(question: Question, access: Access): Promise<FetchFailure | undefined> {
    const { subject } = question;
    const { host } = access.endpoint;
    if (this.#uselessHeads.has(host)) return this.#fetchOnce(subject.wanted, question, access);
    const reader = this.#reader(question, access);
    const head = await reader.head(subject.wanted);
    if (head.kind === 'failed') return head;
    if (head.kind === 'unusable') {
      this.#uselessHeads.add(host);
      return this.#fetchOnce(subject.wanted, question, access);
    }
    // It vouches for what this host served and nothing else: facts are kept by host.
    this.#show(subject, access, reader.scope, head.value);
    return undefined;
  }

  /** One GET for all who need the same content at the same time; what came of another's is looked up, never shared. */
  async #fetchOnce(reference: string, question: Question, access: Access): Promise<FetchFailure | undefined> {
    const { key } = question.subject;
    const running = this.#fetches.get(key);
    if (running === undefined) return this.#fetches.do(key, () => this.#fetchInTurn(reference, question, access));
    await running;
    return undefined;
  }

  async #fetchInTurn(reference: string, question: Question, access: Access): Promise<FetchFailure | undefined> {
    const { subject, permit } = question;
    if (permit !== undefined) this.#permits.set(subject.key, permit);
    try {
      return await this.#fetchLocked(reference, question, access);
    } finally {
      if (permit !== undefined) this.#permits.delete(subject.key);
    }
  }

  /** The same among replicas: who finds the lock taken waits for what its holder brings. Without a store nobody waits. */
  async #fetchLocked(reference: string, question: Question, access: Access): Promise<FetchFailure | undefined> {
    const { subject, signal } = question;
    const waitUntilMs = this.#clock.monotonic() + MAX_LOCK_WAIT_MS;
    for (;;) {
      const lock = await this.#cache.lock(subject.key);
      try {
        if (lock.outcome !== 'unavailable' && (await this.#othersBrought(question, access))) return undefined;
        const isOurTurn = lock.outcome !== 'busy' || this.#clock.monotonic() >= waitUntilMs;
        if (isOurTurn) return await this.#fetch(reference, question, access);
      } finally {
        lock.release();
      }
      await this.#clock.sleep(LOCK_POLL_MS, signal).catch(() => undefined);
      if (signal.aborted) return failed('Deadline');
    }
  }

  /** Whether the shared store has something now that makes this fetch needless. */
  async #othersBrought({ subject, softTtlMs }: Question, access: Access): Promise<boolean> {
    const planNow = (): Plan => {
      const now = this.#clock.now();
      return planInspection(this.#known(subject, access.scope, now, askerOf(access)), subject.wanted, softTtlMs, now);
    };
    const before = planNow();
    await this.#load(subject, [access]);
    const after = planNow();
    const isSettled = after.kind === 'answer' || after.kind === 'refuse';
    return isSettled || (before.kind === 'fetch' && after.kind === 'revalidate');
  }

  #load(subject: Subject, accesses: readonly Access[]): Promise<void> {
    const scopes = new Set([...accesses.map(({ scope }) => scope), ANONYMOUS_SCOPE, ANY_SCOPE]);
    return this.#cache.load(subject, [...scopes], accesses.map(askerOf));
  }

  async #fetch(reference: string, question: Question, access: Access): Promise<FetchFailure | undefined> {
    const reader = this.#reader(question, access);
    const manifest = await reader.get(reference);
    if (manifest.kind === 'failed') return manifest;
    const { digest, body } = manifest.value;
    if (!this.#knowsWhole(question.subject, digest)) {
      const content = await new ContentReader(reader).read(body, digest);
      if (content.kind === 'failed') return content;
      this.#learn(question.subject, digest, content.value);
    }
    this.#show(question.subject, access, reader.scope, digest);
    return undefined;
  }

  /** A GET that stood for a HEAD need not read the parts of what has not moved. */
  #knowsWhole({ host }: Subject, digest: string): boolean {
    const known = this.#cache.facts(host, digest, this.#clock.now());
    return known !== undefined && known.untilMs === undefined;
  }

  #learn({ host }: Subject, digest: string, { facts: content, complete }: Content): void {
    const until = complete ? {} : { untilMs: this.#clock.now() + INCOMPLETE_TTL_MS };
    this.#cache.putFacts(host, digest, { content, source: 'registry', ...until });
  }

  #show(subject: Subject, access: Access, scope: string, digest: string): void {
    this.#cache.forgetRefusal(askerOf(access), subject.key);
    const shown = { digest, confirmedAtMs: this.#clock.now() };
    this.#cache.putShown(scope, subject.key, shown, HARD_TTL_MS);
    this.#cache.putShown(ANY_SCOPE, subject.key, shown, HARD_TTL_MS);
  }

  #remember(failure: FetchFailure, access: Access, subject: Subject): FetchFailure {
    // Our own deadline says nothing of the registry, and an answer may be on its way.
    if (failure.reason === 'Deadline') return failure;
    if (isRefusal(failure) && !access.endpoint.mirror) this.#cache.forgetShown(access.scope, subject.key);
    const asker = askerOf(access);
    const refusal = refusalOf(failure, this.#cache.lastRefusal(asker, subject.key), this.#clock.now());
    this.#cache.putRefusal(asker, subject.key, refusal);
    return refusal.failure;
  }

  #known(subject: Subject, scope: string, nowMs: number, asker = scope): Known {
    const shown = latest(this.#cache.shown(scope, subject.key), this.#cache.shown(ANONYMOUS_SCOPE, subject.key));
    const { host } = subject;
    const { digest } = subject.reference;
    return {
      shown,
      facts: shown === undefined ? undefined : this.#cache.facts(host, shown.digest, nowMs),
      refusal: this.#cache.refusal(asker, subject.key, nowMs),
      seen:
        digest === undefined
          ? this.#cache.shown(ANY_SCOPE, subject.key) !== undefined
          : this.#cache.facts(host, digest, nowMs) !== undefined,
    };
  }

  #reader({ registries, permit, signal }: Question, access: Access): RegistryReader {
    const waits = permit === undefined ? {} : { permit };
    return new RegistryReader(this.#reading, { access, registries, signal, ...waits });
  }
}

/** What everyone may see, a scope may see as well. */
function latest(own: Shown | undefined, everyones: Shown | undefined): Shown | undefined {
  if (own === undefined || everyones === undefined) return own ?? everyones;
  return own.confirmedAtMs >= everyones.confirmedAtMs ? own : everyones;
}

/** Whom a refusal is about: what a mirror does not have, the registry itself may. */
function askerOf({ scope, endpoint }: Access): string {
  return `${scope} ${endpoint.host}`;
}

function isRefusal(failure: FetchFailure): boolean {
  return failure.reason === 'Unauthorized' || failure.reason === 'NotFound';
}

/** Registries hide what a credential may not see as "not found": one that let us in and found nothing knows best. */
function moreTelling(before: FetchFailure, after: FetchFailure): FetchFailure {
  return before.reason === 'NotFound' && after.reason === 'Unauthorized' ? before : after;
}

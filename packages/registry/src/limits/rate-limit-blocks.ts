import { LRUCache } from 'lru-cache';
import { rateLimitedKey } from './rate-limited.ts';
import type { RateLimited } from './rate-limited.ts';

/** A rate limit that a host reported. */
export interface ReportedLimit {
  readonly nowMs: number;
  readonly blockMs: number;
  /** Whether the response was a 429. Otherwise its headers stated that the quota of this credential is used up. */
  readonly isRejection: boolean;
}

interface TargetBlocks {
  /** Maps each scope to the time before which it sends no request (monotonic milliseconds). */
  readonly scopes: LRUCache<string, number>;
  /** The scopes that got a 429 since the last success, if the server has accepted them before. */
  readonly rejected: Set<string>;
  /** The time before which no request is sent, with any credential. */
  allUntilMs: number;
}

/** Maximum number of targets with a block, and of scopes of each, because tenants choose hosts and credentials. */
const MAX_TARGETS = 1_000;
const MAX_SCOPES = 100;
/** How long the acceptance of a credential counts, and the maximum number of them in memory. */
const ACCEPTED_TTL_MS = 12 * 60 * 60_000;
const MAX_ACCEPTED = 10_000;
/** From this number of credentials on, a limit is that of our address, not that of an account. */
const SEVERAL = 2;
/**
 * Maximum duration of a block of all credentials. After it, credentials without a block of their own try again, because a
 * tenant with several exhausted accounts looks the same as a limit of our address.
 */
const MAX_ALL_MS = 60_000;

/**
 * Tracks which credentials must not be used at a host because of its rate limits (K5). A limit blocks the credential that
 * got it. If several credentials get a 429 and none succeeds in between, the limit is that of our address, so the
 * host is blocked for all credentials, for a minute at most. A credential counts only if the server has accepted it:
 * a tenant can invent passwords, and some registries answer 429 to wrong ones.
 */
export class RateLimitBlocks {
  readonly #targets = new LRUCache<string, TargetBlocks>({ max: MAX_TARGETS, memoMethod: createTargetBlocks });
  /** Maps targets and scopes to the time when the credential was last accepted. Apart from the blocks, so that it evicts none of them. */
  readonly #acceptedAtMs = new LRUCache<string, number>({ max: MAX_ACCEPTED });

  /** Returns how long the credential must not be used at the host. */
  remainingMs({ target, scope }: RateLimited, nowMs: number): number {
    const blocks = this.#targets.get(target);
    if (blocks === undefined) return 0;
    return Math.max(0, blocks.allUntilMs - nowMs, (blocks.scopes.get(scope) ?? 0) - nowMs);
  }

  /**
   * Blocks the credential at the host. Never shortens a block.
   * @returns how long the host is blocked for all credentials because of it; 0 if it is not
   */
  block(limited: RateLimited, { nowMs, blockMs, isRejection }: ReportedLimit): number {
    const { target, scope } = limited;
    const blocks = this.#targets.memo(target);
    blocks.scopes.set(scope, Math.max(blocks.scopes.get(scope) ?? 0, nowMs + blockMs));
    if (!isRejection || !this.#isAccepted(limited, nowMs)) return 0;
    blocks.rejected.add(scope);
    for (const other of blocks.rejected) {
      if ((blocks.scopes.get(other) ?? 0) <= nowMs) blocks.rejected.delete(other);
    }
    if (blocks.rejected.size < SEVERAL) return 0;
    const allMs = Math.min(blockMs, MAX_ALL_MS);
    this.blockAll(target, nowMs + allMs);
    return allMs;
  }

  /** Blocks the host for all credentials. Never shortens a block. */
  blockAll(target: string, untilMs: number): void {
    const blocks = this.#targets.memo(target);
    blocks.allUntilMs = Math.max(blocks.allUntilMs, untilMs);
  }

  /**
   * Records a successful request: the limits that others got are limits of their accounts.
   * @param isAccepted whether the server has accepted the credential, and not returned what it also returns without it
   */
  recordSuccess(limited: RateLimited, { nowMs, isAccepted }: { nowMs: number; isAccepted: boolean }): void {
    this.#targets.get(limited.target)?.rejected.clear();
    if (isAccepted) this.#acceptedAtMs.set(rateLimitedKey(limited), nowMs);
  }

  #isAccepted(limited: RateLimited, nowMs: number): boolean {
    const atMs = this.#acceptedAtMs.get(rateLimitedKey(limited));
    return atMs !== undefined && nowMs - atMs < ACCEPTED_TTL_MS;
  }
}

function createTargetBlocks(): TargetBlocks {
  return { scopes: new LRUCache<string, number>({ max: MAX_SCOPES }), rejected: new Set<string>(), allUntilMs: 0 };
}

import type { Clock } from '@archpolicy/async';
import { taintedArchitectures } from '@archpolicy/core';
import type { ArchPolicy, NodeArchitecture, NodeFacts } from '@archpolicy/core';
import type { Logger } from '@archpolicy/service';
import { Listeners } from '../listeners.ts';
import { isSameMessage } from './probe/api-server-words.ts';
import type { TolerationProbeResult } from './toleration-probe.ts';

/** Interval between two probes of the same tolerations. */
const PROBE_INTERVAL_MS = 60_000;
/** How often the tolerations are checked for a change. */
const CHECK_MS = 1_000;

export interface TolerationMonitorOptions {
  readonly views: {
    readonly policies: { list(): readonly ArchPolicy[] };
    readonly nodes: { list(): readonly NodeFacts[] };
  };
  readonly probe: (
    architectures: readonly NodeArchitecture[],
    signal: AbortSignal,
  ) => Promise<TolerationProbeResult | undefined>;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

interface Probed {
  readonly atMs: number;
  /** The last verdict. A probe without a verdict does not replace it. */
  readonly result: TolerationProbeResult | undefined;
}

/**
 * PL8: for each policy, probes the tolerations that its pods would get, once a minute and when the tolerations change.
 * Also probes them in mode Audit. Policies with the same tolerations share a probe.
 */
export class TolerationMonitor {
  readonly #options: TolerationMonitorOptions;
  readonly #changes = new Listeners<undefined>();
  /** The last probe of each set of architectures, keyed by their names. */
  #probed: ReadonlyMap<string, Probed> = new Map();

  constructor(options: TolerationMonitorOptions) {
    this.#options = options;
  }

  /**
   * Returns the verdict on the policy's tolerations, or undefined if there is none yet. If the policy's pods get no
   * tolerations, returns `accepted` if the policy's status contains an earlier verdict, in order to replace it.
   * Otherwise returns undefined.
   */
  verdict(policy: ArchPolicy): TolerationProbeResult | undefined {
    const tolerated = this.#toleratedBy(policy);
    if (tolerated.length > 0) return this.#probed.get(tolerated.join())?.result;
    return policy.status?.tolerations === undefined ? undefined : { kind: 'accepted' };
  }

  /** Calls the listener when a verdict changes. Returns an unsubscribe function. */
  subscribe(listener: (value: undefined) => void): () => void {
    return this.#changes.subscribe(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#check(signal).catch(() => undefined);
      await this.#options.clock.sleep(CHECK_MS, signal).catch(() => undefined);
    }
  }

  async #check(signal: AbortSignal): Promise<void> {
    const { views, clock, probe } = this.#options;
    const sets = new Map<string, readonly NodeArchitecture[]>();
    for (const policy of views.policies.list()) {
      const tolerated = this.#toleratedBy(policy);
      if (tolerated.length > 0) sets.set(tolerated.join(), tolerated);
    }
    // Drop results of tolerations that no policy adds.
    const probed = new Map([...this.#probed].filter(([key]) => sets.has(key)));
    this.#probed = probed;
    for (const [key, architectures] of sets) {
      const before = probed.get(key);
      if (before !== undefined && clock.monotonic() < before.atMs + PROBE_INTERVAL_MS) continue;
      const result = await probe(architectures, signal);
      const isChanged = result !== undefined && !isSame(result, before?.result);
      probed.set(key, { atMs: clock.monotonic(), result: isChanged ? result : before?.result });
      if (!isChanged) continue;
      this.#log(architectures, result, before?.result);
      this.#changes.notify(undefined);
    }
  }

  #log(
    architectures: readonly NodeArchitecture[],
    result: TolerationProbeResult,
    before: TolerationProbeResult | undefined,
  ): void {
    const { logger } = this.#options;
    if (result.kind === 'refused') {
      logger.warn({ architectures, words: result.words }, 'tolerations of architecture taints rejected');
    } else if (before !== undefined)
      logger.info({ architectures }, 'tolerations of architecture taints accepted again');
  }

  #toleratedBy(policy: ArchPolicy): readonly NodeArchitecture[] {
    if (!policy.spec.tolerateArchitectureTaints) return [];
    return taintedArchitectures(this.#options.views.nodes.list(), policy);
  }
}

function isSame(one: TolerationProbeResult, other: TolerationProbeResult | undefined): boolean {
  if (one.kind === 'refused') return other?.kind === 'refused' && isSameMessage(one.words, other.words);
  return one.kind === other?.kind;
}

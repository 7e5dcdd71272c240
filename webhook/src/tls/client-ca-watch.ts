import type { Clock } from '@archpolicy/async';
import { SourceWatch } from '@archpolicy/process';
import type { ReadOutcome, Rejection } from '@archpolicy/process';
import type { CheckResult, Logger } from '@archpolicy/service';
import { hasValidAuthority, readClientCa } from './client-ca.ts';
import type { ClientCa } from './client-ca.ts';

export interface ClientCaWatchOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each bundle that is loaded, including the first. */
  readonly onClientCa: (clientCa: ClientCa) => void;
  readonly onRead?: (outcome: ReadOutcome) => void;
}

/** Interval of the reads. The kubelet takes up to a minute to update a mounted ConfigMap. */
const POLL_MS = 2_000;
/** Interval of the reads before the first usable file. It is short because the start of the webhook waits for it. */
const FIRST_POLL_MS = 100;

const EXPIRED: Rejection = {
  outcome: 'expired',
  code: 'Expired',
  problem: 'no authority of the new client CA file is valid now',
};

/** Reloads the authorities of client certificates when their file changes. */
export class ClientCaWatch extends SourceWatch<ClientCa> {
  readonly #clock: Clock;

  constructor({ file, clock, logger, onClientCa, onRead }: ClientCaWatchOptions) {
    super({
      subject: 'client CA',
      source: { location: { file }, read: () => readClientCa(file) },
      isSame: (current, next) => current.pem.equals(next.pem),
      compare: (current, next, nowMs) =>
        hasValidAuthority(current, nowMs) && !hasValidAuthority(next, nowMs) ? EXPIRED : undefined,
      describe: ({ authorities }) => ({ authorities: authorities.length }),
      intervalMs: (current) => (current === undefined ? FIRST_POLL_MS : POLL_MS),
      clock,
      logger,
      onValue: onClientCa,
      ...(onRead !== undefined && { onRead }),
    });
    this.#clock = clock;
  }

  /** Readiness check: succeeds if client certificates of at least one authority can be accepted now. */
  check(): CheckResult {
    if (this.current === undefined) return { ok: false, reason: this.problem || 'no client CA is loaded' };
    if (hasValidAuthority(this.current, this.#clock.now())) return { ok: true };
    return { ok: false, reason: 'no authority of the client CA file is valid now' };
  }
}

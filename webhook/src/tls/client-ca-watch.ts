import type { Clock } from '@archpolicy/async';
import type { CheckResult, Logger } from '@archpolicy/service';
import { hasValidAuthority, readClientCa } from './client-ca.ts';
import type { ClientCa } from './client-ca.ts';
import { FileWatch } from './file-watch.ts';
import type { ReadOutcome, Rejection } from './file-watch.ts';

export interface ClientCaWatchOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each bundle that is loaded, including the first. */
  readonly onClientCa: (clientCa: ClientCa) => void;
  readonly onRead?: (outcome: ReadOutcome) => void;
}

const ABSENT: Rejection = {
  outcome: 'absent',
  code: 'FilesAbsent',
  problem: 'the client CA file does not exist',
};
const EXPIRED: Rejection = {
  outcome: 'expired',
  code: 'Expired',
  problem: 'no authority of the new client CA file is valid now',
};

/** Reloads the authorities of client certificates when their file changes. */
export class ClientCaWatch extends FileWatch<ClientCa> {
  readonly #clock: Clock;

  constructor({ file, clock, logger, onClientCa, onRead }: ClientCaWatchOptions) {
    super({
      subject: 'client CA',
      location: { file },
      read: () => readClientCa(file),
      absent: ABSENT,
      isSame: (current, next) => current.pem.equals(next.pem),
      compare: (current, next, nowMs) =>
        hasValidAuthority(current, nowMs) && !hasValidAuthority(next, nowMs) ? EXPIRED : undefined,
      describe: ({ authorities }) => ({ authorities: authorities.length }),
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

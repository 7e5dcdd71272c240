/** The result of one check. Every client of the endpoint sees the reason, so the reason must not contain secrets. */
export type CheckResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/**
 * Returns immediately, from memory: if a probe waited for a dependency, an outage of the dependency would restart this
 * process.
 */
export type Check = () => CheckResult;

export interface HealthReport {
  readonly ok: boolean;
  /** Name → `ok`, or the reason. */
  readonly checks: Readonly<Record<string, string>>;
}

/**
 * The named checks of this process. If a liveness check fails, a restart would help. If a readiness check fails,
 * requests should go to another replica.
 */
export class Health {
  readonly #live = new Map<string, Check>();
  readonly #ready = new Map<string, Check>();

  /** Adds a liveness check: only for failures that a restart fixes. */
  addLiveness(name: string, check: Check): void {
    this.#live.set(name, check);
  }

  addReadiness(name: string, check: Check): void {
    this.#ready.set(name, check);
  }

  live(): HealthReport {
    return report(this.#live);
  }

  ready(): HealthReport {
    return report(this.#ready);
  }
}

function report(checks: ReadonlyMap<string, Check>): HealthReport {
  const results = [...checks].map(([name, check]) => [name, run(check)] as const);
  return {
    ok: results.every(([, result]) => result.ok),
    checks: Object.fromEntries(results.map(([name, result]) => [name, result.ok ? 'ok' : result.reason])),
  };
}

function run(check: Check): CheckResult {
  try {
    return check();
  } catch {
    return { ok: false, reason: 'the check itself failed' };
  }
}

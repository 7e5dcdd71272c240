/** The state of one thing that health depends on. The reason is shown to whoever asks: no secrets in it. */
export type CheckResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Answers at once, from memory: a probe that waits for a dependency takes the process down with it. */
export type Check = () => CheckResult;

export interface HealthReport {
  readonly ok: boolean;
  /** By name: `ok`, or why not. */
  readonly checks: Readonly<Record<string, string>>;
}

/** Named checks. *Live*: is a restart of no use? *Ready*: should requests come here? */
export class Health {
  readonly #live = new Map<string, Check>();
  readonly #ready = new Map<string, Check>();

  /** Liveness: only what a restart would cure. */
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

/**
 * How long a server counts as silent after a query that it did not answer. After that, one lookup waits for it again.
 */
const SILENT_MS = 30_000;

/**
 * Orders the DNS servers so that lookups do not wait for a silent one each time. A server is silent if it did not answer a
 * query recently, nor any other query before it: a server that answers about other names is not silent, because a name
 * whose own servers are silent gets no answer from any server.
 */
export class ServerOrder {
  readonly #answeredAtMs = new Map<string, number>();
  readonly #timedOutAtMs = new Map<string, number>();

  /** Returns the servers, the silent ones last. */
  order(servers: readonly string[], nowMs: number): readonly string[] {
    const silent = servers.filter((server) => this.#isSilent(server, nowMs));
    return [...servers.filter((server) => !silent.includes(server)), ...silent];
  }

  recordAnswer(server: string, nowMs: number): void {
    this.#answeredAtMs.set(server, nowMs);
  }

  recordTimeout(server: string, nowMs: number): void {
    this.#timedOutAtMs.set(server, nowMs);
  }

  /** Forgets all servers, after a change of the configuration. */
  clear(): void {
    this.#answeredAtMs.clear();
    this.#timedOutAtMs.clear();
  }

  #isSilent(server: string, nowMs: number): boolean {
    const timedOutAtMs = this.#timedOutAtMs.get(server) ?? -Infinity;
    const answeredAtMs = this.#answeredAtMs.get(server) ?? -Infinity;
    return nowMs - timedOutAtMs < SILENT_MS && nowMs - answeredAtMs >= SILENT_MS;
  }
}

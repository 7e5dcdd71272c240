import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Ground } from './running-webhook.ts';
import { handshake } from './tls-client.ts';

const MAIN = join(import.meta.dirname, '../main.ts');

/** A line of the log, as far as tests read it. */
export interface LogLine {
  readonly msg: string;
  readonly code?: string;
  readonly problem?: string;
}

export interface ReadyReport {
  readonly status: number;
  readonly checks: Readonly<Record<string, string>>;
}

/** The webhook's real process, `main.ts`: what ends it ends no test. */
export class WebhookProcess {
  readonly #ground: Ground;
  readonly #child: ChildProcessByStdio<null, Readable, null>;
  readonly #closed: Promise<unknown>;
  #stdout = '';

  constructor(ground: Ground, env: Readonly<Record<string, string>> = {}) {
    this.#ground = ground;
    this.#child = spawn(process.execPath, [MAIN], {
      env: { ...ground.env, ARCHPOLICY_LOG_LEVEL: 'info', ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#closed = once(this.#child, 'close');
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
  }

  /** Null while it runs. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** What it has logged so far. */
  get log(): readonly LogLine[] {
    return this.#stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine);
  }

  /**
   * Waits until it holds.
   * @throws Error when the process ends first, with the end of its log
   */
  async until(holds: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await holds())) {
      if (this.exitCode !== null) {
        throw new Error(`the webhook ended with status ${this.exitCode}: ${this.#stdout.slice(-500)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** What `/readyz` returns; status 0 while there is no connection to it. */
  async ready(): Promise<ReadyReport> {
    const { status, text } = await this.#get('/readyz');
    return { status, checks: status === 0 ? {} : (JSON.parse(text) as { checks: ReadyReport['checks'] }).checks };
  }

  async metrics(): Promise<string> {
    return (await this.#get('/metrics')).text;
  }

  /** The serial number of the certificate that a new connection is served with. */
  handshake(): Promise<string> {
    return handshake(this.#ground.port, this.#ground.authority.certificate);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#closed;
  }

  async #get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.#ground.opsPort}${path}`);
      return { status: response.status, text: await response.text() };
    } catch {
      return { status: 0, text: '' };
    }
  }
}

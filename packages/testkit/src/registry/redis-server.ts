import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const START_DEADLINE_MS = 10_000;
const POLL_MS = 10;
const MAX_ATTEMPTS = 5;

/** A real `redis-server` (the one on PATH) on a free port of loopback, in memory only. */
export class RedisServer {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #directory: string;
  readonly #exited: Promise<void>;

  private constructor(port: number, process: ChildProcess, directory: string) {
    this.port = port;
    this.#process = process;
    this.#directory = directory;
    this.#exited = new Promise((resolve) =>
      process.once('exit', () => {
        resolve();
      }),
    );
  }

  /**
   * Starts one and waits until it answers.
   * @param args further arguments of redis-server
   * @throws when there is no redis-server, or it does not start in time
   */
  static async start(args: readonly string[] = [], wantedPort?: number): Promise<RedisServer> {
    if (wantedPort !== undefined) return RedisServer.#startAt(wantedPort, args);
    // Another process may take the free port first: then it is another port's turn.
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await RedisServer.#startAt(await freePort(), args);
      } catch (error) {
        if (attempts === MAX_ATTEMPTS) throw error;
      }
    }
  }

  static async #startAt(port: number, args: readonly string[]): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'archpolicy-redis-'));
    const fixed = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory];
    const child = spawn('redis-server', [...fixed, ...args], { stdio: 'ignore' });
    const failed = new Promise<never>((_, reject) => {
      child.once('error', (cause) => {
        reject(new Error('redis-server is not on PATH; install it (Debian: apt-get install redis-server)', { cause }));
      });
      child.once('exit', (code) => {
        reject(new Error(`redis-server ended with ${code ?? 'a signal'} while it should start`));
      });
    });
    failed.catch(() => undefined);
    const server = new RedisServer(port, child, directory);
    await Promise.race([server.#answers(), failed]);
    return server;
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  get url(): string {
    return `redis://${this.host}`;
  }

  /** Sends one command in inline form and returns the raw answer. */
  command(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.end(`${text}\r\nQUIT\r\n`));
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.on('error', reject);
      socket.on('close', () => {
        resolve(Buffer.concat(chunks).toString());
      });
    });
  }

  /** Has it accept connections and answer nothing, as a hung machine does. */
  pause(): void {
    this.#process.kill('SIGSTOP');
  }

  resume(): void {
    this.#process.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #answers(): Promise<void> {
    const deadline = Date.now() + START_DEADLINE_MS;
    while (Date.now() < deadline) {
      const answer = await this.command('PING').catch(() => '');
      if (answer.startsWith('+PONG') || answer.startsWith('-NOAUTH')) return;
      await delay(POLL_MS);
    }
    throw new Error('redis-server does not answer');
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

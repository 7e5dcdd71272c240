import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** A program, and the log text that marks it as ready. */
export interface WatchedProgram {
  /** A path, or a name on PATH. */
  readonly command: string;
  /** Returns the arguments for a program whose files are in `directory`. */
  readonly args: (directory: string) => readonly string[];
  /** Returns the files that are written to the directory before the start: their contents by name. */
  readonly files?: (directory: string) => Readonly<Record<string, string>>;
  /** The text that the program logs when it is ready. */
  readonly ready: string;
}

/** Maximum duration of a start, which takes about 0.5 s on two loaded cores. */
const START_DEADLINE_MS = 20_000;
const MAX_LOG_LENGTH = 20_000;

/**
 * Runs the program. When this process exits or closes the pipe, the script kills the program and deletes its files, so
 * that a killed test leaves no server behind. Standard output closes when the program exits.
 */
const SUPERVISOR_SCRIPT = `
directory=$1
shift
exec 3<&0
"$@" 3<&- </dev/null 2>&1 &
server=$!
echo "server $server"
exec >/dev/null 2>&1
cat <&3
kill -KILL $server
wait $server
rm -rf "$directory"
`;

/** A running program of a test, with its files in a temporary directory. */
export class WatchedProcess {
  readonly #command: string;
  readonly #shell: ChildProcessByStdio<Writable, Readable, null>;
  readonly #closed: Promise<void>;
  #log = '';
  #hasEnded = false;

  private constructor(directory: string, command: string, args: readonly string[]) {
    this.#command = basename(command);
    this.#shell = spawn('sh', ['-c', SUPERVISOR_SCRIPT, 'sh', directory, command, ...args], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#shell.stdin.on('error', () => undefined);
    this.#shell.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-MAX_LOG_LENGTH);
    });
    this.#shell.stdout.on('end', () => {
      this.#hasEnded = true;
    });
    this.#closed = new Promise((resolve) => {
      this.#shell.on('close', () => {
        resolve();
      });
    });
  }

  /** @throws Error with the end of the log, if the program is missing or does not become ready */
  static async start({ command, args, files, ready }: WatchedProgram): Promise<WatchedProcess> {
    const directory = await mkdtemp(join(tmpdir(), `archpolicy-${basename(command)}-`));
    for (const [name, text] of Object.entries(files?.(directory) ?? {})) await writeFile(join(directory, name), text);
    const started = new WatchedProcess(directory, command, args(directory));
    await started.#waitFor(ready);
    return started;
  }

  /** The end of the program's log. */
  get log(): string {
    return this.#log;
  }

  /** Whether the program is still running. */
  get isRunning(): boolean {
    return !this.#hasEnded;
  }

  /** Sends SIGSTOP. The kernel still accepts connections for the paused program. */
  pause(): void {
    process.kill(this.#pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.#pid, 'SIGCONT');
  }

  /** Kills the program, as a crash would, and deletes its files. */
  async stop(): Promise<void> {
    this.#shell.stdin.end();
    await this.#closed;
  }

  get #pid(): number {
    const [, pid] = /^server (\d+)$/m.exec(this.#log) ?? [];
    if (pid === undefined || this.#hasEnded) throw new Error(`${this.#command} is not running`);
    return Number(pid);
  }

  async #waitFor(ready: string): Promise<void> {
    const { stdout } = this.#shell;
    const isSettled = (): boolean => this.#log.includes(ready) || this.#hasEnded;
    const deadline = AbortSignal.timeout(START_DEADLINE_MS);
    if (!isSettled()) {
      await new Promise<void>((resolve) => {
        const check = (): void => {
          if (isSettled() || deadline.aborted) resolve();
        };
        stdout.on('data', check).on('end', check);
        deadline.addEventListener('abort', check);
      });
    }
    if (this.#log.includes(ready)) return;
    const lastLines = this.#log.split('\n').slice(-8).join('\n');
    await this.stop();
    const hint = lastLines.includes('not found') ? ': install it (node e2e/cluster/src/main.ts prepare does)' : '';
    throw new Error(`${this.#command} did not start${hint}\n${lastLines}`);
  }
}

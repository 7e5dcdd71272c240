import { spawn } from 'node:child_process';

/** The style of a line. The terminal and the SVG each have a colour for every style. */
export type Style = 'heading' | 'text' | 'command' | 'output' | 'good' | 'bad';

export interface Line {
  readonly style: Style;
  readonly text: string;
}

export interface CommandResult {
  readonly status: number;
  readonly output: string;
}

const ESCAPES: Readonly<Record<Style, string>> = {
  heading: '\u001b[1;36m',
  text: '\u001b[0m',
  command: '\u001b[1m',
  output: '\u001b[2m',
  good: '\u001b[32m',
  bad: '\u001b[1;31m',
};

/** Timeout of one command. The whole demo takes less than 90 seconds. */
const COMMAND_DEADLINE_MS = 60_000;
/** Maximum length of the kept output of one command. The commands print a few dozen lines. */
const MAX_OUTPUT = 64 * 1024;

/** Prints the story, runs its commands, and records every line for the SVG. */
export class Terminal {
  readonly #lines: Line[] = [];
  readonly #write: (text: string) => void;
  readonly #colours: boolean;

  constructor(write: (text: string) => void, colours: boolean) {
    this.#write = write;
    this.#colours = colours;
  }

  get lines(): readonly Line[] {
    return this.#lines;
  }

  print(style: Style, text: string): void {
    for (const line of text.split('\n')) {
      this.#lines.push({ style, text: line });
      this.#write(this.#colours ? `${ESCAPES[style]}${line}\u001b[0m\n` : `${line}\n`);
    }
  }

  heading(text: string): void {
    this.print('text', '');
    this.print('heading', `# ${text}`);
  }

  /** Prints a command line, runs it in a shell, and prints its output. */
  async run(commandLine: string, env: NodeJS.ProcessEnv): Promise<CommandResult> {
    this.print('command', `$ ${commandLine}`);
    const result = await runQuietly(commandLine, env);
    if (result.output !== '') this.print('output', result.output);
    return result;
  }
}

/** Runs a command line without printing it, for checks. */
export async function runQuietly(commandLine: string, env: NodeJS.ProcessEnv): Promise<CommandResult> {
  return await runProgram('bash', ['-c', commandLine], env);
}

/** Runs a program. Returns its output and errors, interleaved as in a terminal. */
export async function runProgram(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<CommandResult> {
  return await new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: COMMAND_DEADLINE_MS });
    let output = '';
    const collect = (chunk: Buffer): void => {
      if (output.length < MAX_OUTPUT) output += chunk.toString('utf8');
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ status: code ?? 1, output: output.trimEnd() });
    });
  });
}

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface FuzzProgramResult {
  readonly code: number | null;
  /** The summary, and the failures. */
  readonly output: string;
}

/** A fuzzer that hangs is ended before the test times out, so that it does not outlive the test. */
const MAX_MS = 240_000;
/** Collections of garbage are a large part of the CPU time of a fuzzer, and errors are created by the thousand. */
const NODE_OPTIONS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=32', '--stack-trace-limit=5'];

/**
 * Runs a fuzzer in a process of its own: an unhandled error in it does not end the tests, and what it leaves open can be
 * counted. The process gets the environment of this one, so FUZZ_SEED and FUZZ_CASE reach it.
 */
export function runFuzzProgram(main: URL, target: string): Promise<FuzzProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...NODE_OPTIONS, fileURLToPath(main), target], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: MAX_MS,
      killSignal: 'SIGKILL',
    });
    let output = '';
    const append = (text: string): void => {
      output += text;
    };
    child.stdout.setEncoding('utf8').on('data', append);
    child.stderr.setEncoding('utf8').on('data', append);
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, output });
    });
  });
}

import { spawn } from 'node:child_process';
import { ROOT } from '../run.ts';
import { PROGRAMS, selectPrograms } from './programs.ts';
import type { FuzzProgram } from './programs.ts';

const NODE_OPTIONS = ['--disable-warning=ExperimentalWarning'];
const MILLION = 1_000_000;

const [minutes = '20', names = ''] = process.argv.slice(2);
const programs = selectPrograms(PROGRAMS, names);
const env = {
  FUZZ_SEED: String(Date.now() % MILLION),
  ...process.env,
  FUZZ_MINUTES: String(Number(minutes) / programs.length),
};

/** Runs one fuzzer, passes its output on, and returns its summary and exit status. */
function run({ main, target }: FuzzProgram): Promise<{ readonly summary: string; readonly code: number | null }> {
  return new Promise((resolve, reject) => {
    const args = [...NODE_OPTIONS, `${ROOT}${main}`, target];
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      process.stdout.write(text);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      const summary =
        output.split('\n').find((line) => line.includes(': seed ')) ?? `${target}: ended without a summary`;
      resolve({ summary, code });
    });
  });
}

const results = [];
for (const program of programs) results.push(await run(program));
process.stdout.write(
  `\n${results.map(({ summary, code }) => `${code === 0 ? 'ok    ' : 'FAILED'} ${summary}`).join('\n')}\n`,
);
process.exitCode = results.every(({ code }) => code === 0) ? 0 : 1;

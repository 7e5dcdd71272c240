import { describe, expect, test } from '@jest/globals';
import { ESLint } from 'eslint';
import { timers } from './timers.ts';

const eslint = new ESLint({
  overrideConfigFile: true,
  overrideConfig: { rules: { 'no-restricted-syntax': ['error', ...timers] } },
});

describe('waiting outside packages/async', () => {
  test.each([
    ['setTimeout(go, 5);', 1],
    ['setInterval(go, 5);', 1],
    ["import { setTimeout as sleep } from 'node:timers/promises';", 1],
    ["import { setImmediate as turn } from 'node:timers/promises';", 1],
    ['AbortSignal.timeout(5);', 1],
    ['new Promise(setImmediate);', 1],
    ['new Promise((resolve) => { setImmediate(resolve); });', 1],
    ['Promise.race([work, silence]);', 1],
    ["signal.addEventListener('abort', stop);", 1],
    ["socket.addEventListener('close', stop);", 0],
    ['setImmediate(() => { go(); });', 0],
    ['clock.sleep(5, signal);', 0],
    ['AbortSignal.any([one, other]);', 0],
    ['clearTimeout(timer);', 0],
  ])('%s: errors: %i', async (code, errors) => {
    const [result] = await eslint.lintText(`${code}\n`);
    expect(result?.errorCount).toBe(errors);
  });
});

describe('the real lint configuration', () => {
  const real = new ESLint({ cwd: process.cwd() });

  test.each([
    ['packages/async/src/timeout.ts', true],
    ['packages/registry/src/inspect/inspector.ts', true],
    ['webhook/src/app.ts', true],
    ['operator/src/keep-warm/keep-warm.ts', true],
    ['packages/core/src/parsing/parse-json.ts', true],
    ['packages/async/src/clock.ts', false],
    ['webhook/src/app.component.test.ts', false],
    ['tools/src/run.ts', false],
  ])('%s is checked: %p', async (file, isChecked) => {
    const config = (await real.calculateConfigForFile(file)) as { rules?: Record<string, unknown[]> } | undefined;
    const rules = config?.rules?.['no-restricted-syntax'] ?? [];
    expect(timers.every((rule) => rules.some((other) => JSON.stringify(other) === JSON.stringify(rule)))).toBe(
      isChecked,
    );
  });
});

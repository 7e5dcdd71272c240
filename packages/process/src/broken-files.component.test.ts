import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createWorld, findProgram, listEncodings, TESTED_PROGRAMS } from '@archpolicy/testkit';
import type { TestedProgram, World } from '@archpolicy/testkit';

/** The secret in each broken file. No output may contain it in any form. */
const CANARY = 'Marker7Q';

/** Texts with a syntax error at a secret, or with a secret where the schema expects something else. */
const BROKEN: readonly (readonly [what: string, text: string])[] = [
  ['a missing closing brace', `env: [{name: SECRET, value: ${CANARY}]\nother: {}\n`],
  ['a secret as a key', `registries: [{host: a.example, ${CANARY}: 1}]\n${CANARY}: 1\n`],
];

// Processes on a loaded machine.
jest.setTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.end());

const path = (name: string): string => join(world.directory, name);

/** Starts a process and returns its whole output once it has ended. */
async function start(
  program: TestedProgram,
  env: Record<string, string>,
): Promise<{ status: unknown; output: string }> {
  const child = spawn(process.execPath, [findProgram(program)], {
    env: { ...world.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  const [status] = (await once(child, 'close')) as [unknown];
  return { status, output };
}

describe.each(TESTED_PROGRAMS)('P5 I11 the error with which the %s does not start quotes no file', (name) => {
  const expectRefused = async (env: Record<string, string>): Promise<void> => {
    const { status, output } = await start(name, env);
    expect(status).not.toBe(0);
    expect(output).toMatch(/ARCHPOLICY_(?:REGISTRIES_FILE|KUBECONFIG)/);
    for (const form of listEncodings(CANARY)) expect(output).not.toContain(form);
  };

  test.each(BROKEN)('P5 I11 registries file: %s', async (_, text) => {
    await writeFile(path('broken.yaml'), text);
    await expectRefused({ ARCHPOLICY_REGISTRIES_FILE: path('broken.yaml') });
  });

  test.each(BROKEN)('P5 I11 configuration of credential providers: %s', async (_, text) => {
    await writeFile(path('providers.yaml'), text);
    const providers = { configFile: path('providers.yaml'), binDirectory: '/nowhere' };
    await writeFile(path('naming.yaml'), JSON.stringify({ credentialProviders: providers }));
    await expectRefused({ ARCHPOLICY_REGISTRIES_FILE: path('naming.yaml') });
  });

  test.each(BROKEN)('P5 I11 kubeconfig: %s', async (_, text) => {
    await writeFile(path('broken-kubeconfig'), text);
    await expectRefused({ ARCHPOLICY_KUBECONFIG: path('broken-kubeconfig') });
  });
});

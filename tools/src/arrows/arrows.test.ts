import { describe, expect, test } from '@jest/globals';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { arrowConfigs } from './arrows.ts';

const eslint = new ESLint({
  overrideConfigFile: true,
  overrideConfig: [
    { files: ['**/*.ts'], languageOptions: { parser: tseslint.parser } },
    ...arrowConfigs.map((config) => ({ ...config })),
  ] as ESLint.Options['overrideConfig'] & object,
});

async function refusals(file: string, imported: string): Promise<number> {
  const [result] = await eslint.lintText(`import '${imported}';\n`, { filePath: file });
  return result?.messages.length ?? 0;
}

const forbidden: readonly [string, string, string][] = [
  ['core imports a node module', 'packages/core/src/a.ts', 'node:fs'],
  ['core imports an npm package other than zod', 'packages/core/src/a.ts', 'undici'],
  ['core imports an adapter', 'packages/core/src/a.ts', '@archpolicy/kube'],
  ['core imports async', 'packages/core/src/a.ts', '@archpolicy/async'],
  ['async imports a node module', 'packages/async/src/a.ts', 'node:timers/promises'],
  ['async imports an npm package', 'packages/async/src/a.ts', 'zod'],
  ['async imports core', 'packages/async/src/a.ts', '@archpolicy/core'],
  ['an adapter imports another adapter', 'packages/kube/src/a.ts', '@archpolicy/registry'],
  ['tls imports an adapter', 'packages/tls/src/a.ts', '@archpolicy/kube'],
  ['a relative path leads into tls', 'packages/kube/src/a.ts', '../../tls/src/index.ts'],
  ['a relative path leads into process', 'packages/kube/src/a.ts', '../../process/src/index.ts'],
  ['an adapter imports a file of another adapter', 'packages/kube/src/a.ts', '@archpolicy/registry/src/x.ts'],
  ['cluster-view imports the registry', 'packages/cluster-view/src/a.ts', '@archpolicy/registry'],
  ['webhook imports operator', 'webhook/src/a.ts', '@archpolicy/operator'],
  ['operator imports webhook', 'operator/src/a.ts', '@archpolicy/webhook'],
  ['a src imports the testkit', 'packages/registry/src/a.ts', '@archpolicy/testkit'],
  ['an app imports the local cluster', 'operator/src/a.ts', '@archpolicy/e2e'],
  ['a relative path leads into another package', 'packages/kube/src/a.ts', '../../core/src/index.ts'],
  ['a relative path leads into an app', 'packages/kube/src/a.ts', '../../../operator/src/app.ts'],
  ['a test imports an app that is not its own', 'webhook/src/a.test.ts', '@archpolicy/operator'],
  ['policy statuses import remediation', 'operator/src/policy/a.ts', '../remediation/evaluation/a.ts'],
  ['keep-warm imports remediation', 'operator/src/keep-warm/a.ts', '../remediation/remediation.ts'],
  ['a test of statistics imports remediation', 'operator/src/statistics/a.test.ts', '../remediation/fixtures/world.ts'],
  ['a folder below reporting imports remediation', 'operator/src/reporting/b/a.ts', '../../remediation/ports.ts'],
  ['a room of operator imports webhook', 'operator/src/policy/a.ts', '@archpolicy/webhook'],
];

const allowed: readonly [string, string, string][] = [
  ['core imports zod', 'packages/core/src/a.ts', 'zod'],
  ['core imports its own files', 'packages/core/src/policy/a.ts', '../platform/index.ts'],
  ['an adapter imports core', 'packages/kube/src/a.ts', '@archpolicy/core'],
  ['an adapter imports tls', 'packages/registry/src/a.ts', '@archpolicy/tls'],
  ['an adapter imports async', 'packages/registry/src/a.ts', '@archpolicy/async'],
  ['cluster-view imports kube', 'packages/cluster-view/src/a.ts', '@archpolicy/kube'],
  ['an app imports its own folder of the name tls', 'webhook/src/server/a.ts', '../tls/options.ts'],
  ['the local cluster imports its own folder of the name process', 'e2e/cluster/src/a/a.ts', '../process/child.ts'],
  ['an app imports every adapter', 'webhook/src/a.ts', '@archpolicy/registry'],
  ['a test imports the testkit', 'packages/kube/src/a.test.ts', '@archpolicy/testkit'],
  ['remediation imports statistics', 'operator/src/remediation/a.ts', '../statistics/pod-record.ts'],
  ['policy statuses import statistics', 'operator/src/policy/a.ts', '../statistics/policy-pod-stats.ts'],
  ['the leader imports remediation', 'operator/src/leader.ts', './remediation/build-remediation.ts'],
  ["a fixture of core's tests imports an npm package", 'packages/core/src/placement/fixtures/a.ts', 'fast-check'],
];

describe('arrows between the parts', () => {
  test.each(forbidden)('refused: %s', async (_name, file, imported) => {
    expect(await refusals(file, imported)).toBe(1);
  });

  test.each(allowed)('allowed: %s', async (_name, file, imported) => {
    expect(await refusals(file, imported)).toBe(0);
  });
});

describe('the real lint configuration', () => {
  const real = new ESLint({ cwd: process.cwd() });

  test.each([
    'packages/core/src/index.ts',
    'packages/async/src/index.ts',
    'packages/kube/src/index.ts',
    'packages/service/src/index.ts',
    'tools/src/arrows/arrows.ts',
  ])('contains the arrows for %s', async (file) => {
    const config = (await real.calculateConfigForFile(file)) as { rules?: Record<string, unknown[]> } | undefined;
    const expected = arrowConfigs.find(({ files }) => file.startsWith(files[0]?.replace('**/*.ts', '') ?? '-'));
    expect(config?.rules?.['no-restricted-imports']?.[1]).toEqual(expected?.rules['no-restricted-imports'][1]);
  });
});

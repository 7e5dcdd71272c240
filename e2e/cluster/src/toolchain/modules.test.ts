import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { toolNames } from '../component/component.ts';
import { toolsModule } from '../layout.ts';
import { linkerFlags, parseGoMod, programName } from './modules.ts';
import { findPackages } from './tools.ts';

const goMod = `module example

go 1.26.0

tool (
	k8s.io/kubernetes/cmd/kubectl
	go.etcd.io/etcd/server/v3
)

require (
	k8s.io/kubernetes v1.99.7 // indirect
)
`;

describe('e2e/tools/go.mod', () => {
  test('is parsed into version, minimum Go version and packages', () => {
    expect(parseGoMod(goMod)).toEqual({
      kubernetesVersion: 'v1.99.7',
      goVersion: '1.26',
      packages: ['k8s.io/kubernetes/cmd/kubectl', 'go.etcd.io/etcd/server/v3'],
    });
  });

  test('may have single-line tool directives', () => {
    const text = 'go 1.26\ntool example.com/a/cmd/b\nrequire k8s.io/kubernetes v1.0.0\n';
    expect(parseGoMod(text).packages).toEqual(['example.com/a/cmd/b']);
  });

  test.each(['', goMod.replace('go 1.26.0', ''), goMod.replace('v1.99.7', '')])(
    'is rejected if a part is missing',
    (text) => {
      expect(() => parseGoMod(text)).toThrow(/e2e\/tools\/go.mod must have/);
    },
  );

  test('provides every program of a cluster except Redis', () => {
    const modules = parseGoMod(readFileSync(join(toolsModule, 'go.mod'), 'utf8'));
    const wanted = toolNames.filter((name) => name !== 'redis-server');
    expect(findPackages(wanted, modules)).toHaveLength(wanted.length);
  });

  test.each([
    ['go.etcd.io/etcd/server/v3', 'server'],
    ['github.com/distribution/distribution/v3/cmd/registry', 'registry'],
  ])('the program of %s is named %s', (path, name) => {
    expect(programName(path)).toBe(name);
  });

  test('determines the version of the control plane', () => {
    expect(linkerFlags(parseGoMod(goMod)).join(' ')).toContain('gitVersion=v1.99.7');
  });
});

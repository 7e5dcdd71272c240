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
  test('tells the version, the Go that builds it and the packages', () => {
    expect(parseGoMod(goMod)).toEqual({
      kubernetesVersion: 'v1.99.7',
      goVersion: '1.26',
      packages: ['k8s.io/kubernetes/cmd/kubectl', 'go.etcd.io/etcd/server/v3'],
    });
  });

  test('may have its tools in lines of their own', () => {
    const text = 'go 1.26\ntool example.com/a/cmd/b\nrequire k8s.io/kubernetes v1.0.0\n';
    expect(parseGoMod(text).packages).toEqual(['example.com/a/cmd/b']);
  });

  test.each(['', goMod.replace('go 1.26.0', ''), goMod.replace('v1.99.7', '')])(
    'is refused when it lacks a part',
    (text) => {
      expect(() => parseGoMod(text)).toThrow(/e2e\/tools\/go.mod must have/);
    },
  );

  test('gives every program that a cluster runs, Redis apart', () => {
    const modules = parseGoMod(readFileSync(join(toolsModule, 'go.mod'), 'utf8'));
    const wanted = toolNames.filter((name) => name !== 'redis-server');
    expect(findPackages(wanted, modules)).toHaveLength(wanted.length);
  });

  test.each([
    ['go.etcd.io/etcd/server/v3', 'server'],
    ['github.com/distribution/distribution/v3/cmd/registry', 'registry'],
  ])('the program of %s is called %s', (path, name) => {
    expect(programName(path)).toBe(name);
  });

  test('is where the control plane gets its version from', () => {
    expect(linkerFlags(parseGoMod(goMod)).join(' ')).toContain('gitVersion=v1.99.7');
  });
});

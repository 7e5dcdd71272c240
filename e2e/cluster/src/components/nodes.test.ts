import { describe, expect, test } from '@jest/globals';
import { nodeManifest, schedulableNodes } from './nodes.ts';

describe('the nodes of a cluster', () => {
  test('have the labels and the nodeInfo of their architecture', () => {
    expect(nodeManifest('arm64-2', 'v1.36.3')).toMatchObject({
      metadata: {
        name: 'arm64-2',
        labels: {
          'kubernetes.io/arch': 'arm64',
          'kubernetes.io/os': 'linux',
          'kubernetes.io/hostname': 'arm64-2',
          'beta.kubernetes.io/arch': 'arm64',
        },
      },
      status: { nodeInfo: { architecture: 'arm64', operatingSystem: 'linux', kubeletVersion: 'v1.36.3' } },
    });
  });

  test('are schedulable if they are Ready and have no taints', () => {
    const node = (name: string, status: string, taints?: readonly object[]): object => ({
      metadata: { name },
      spec: taints === undefined ? {} : { taints },
      status: { conditions: [{ type: 'Ready', status }] },
    });
    const items = [
      node('ready', 'True'),
      node('not-ready', 'False'),
      node('tainted', 'True', [{ key: 'node.kubernetes.io/not-ready' }]),
      { metadata: { name: 'new' }, status: {} },
    ];
    expect(schedulableNodes({ items })).toEqual(['ready']);
  });
});

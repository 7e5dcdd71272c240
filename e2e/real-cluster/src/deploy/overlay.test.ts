import { describe, expect, test } from '@jest/globals';
import { buildOverlay } from './overlay.ts';

describe('the overlay for a cluster with a real node', () => {
  const files = buildOverlay({
    folder: '/tmp/cluster/run/deploy',
    manifests: '/src/deploy/overlays/small',
    registry: 'registry.archpolicy.test:5000',
    tag: 'v1',
  });

  test('adds the image, the real node and the registry, and nothing else', () => {
    expect(files).toMatchObject({
      'kustomization.yaml': {
        resources: ['../../../../src/deploy/overlays/small'],
        images: [{ newName: 'registry.archpolicy.test:5000/archpolicy', newTag: 'v1' }],
        patches: [{ target: { kind: 'Deployment' } }],
      },
      'registries.yaml': { registries: [{ host: 'registry.archpolicy.test:*', plainHttp: true }] },
    });
  });
});

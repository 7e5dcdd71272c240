import { describe, expect, test } from '@jest/globals';
import { findManifests } from './find-manifests.ts';
import { buildOverlay } from './overlay.ts';

describe('the overlay for a cluster with a real node', () => {
  const files = buildOverlay({
    folder: '/tmp/cluster/run/deploy',
    manifests: '/src/deploy/overlays/small',
    registry: 'registry.archpolicy.test:5000',
    tag: 'v1',
  });

  test('adds the images, the real node and the registry, and nothing else', () => {
    expect(files).toMatchObject({
      'kustomization.yaml': {
        resources: ['../../../../src/deploy/overlays/small'],
        images: [
          { newName: 'registry.archpolicy.test:5000/archpolicy', newTag: 'v1' },
          { newName: 'registry.archpolicy.test:5000/redis', newTag: 'v1' },
        ],
        patches: [{ target: { kind: 'Deployment' } }],
      },
      'registries.yaml': { registries: [{ host: 'registry.archpolicy.test:*', plainHttp: true }] },
    });
  });
});

describe('the folder of DEPLOY', () => {
  test('holds a kustomization', async () => {
    await expect(findManifests('base')).resolves.toMatch(/\/deploy\/base$/u);
  });

  test.each(['overlays/none', 'README.md', '../e2e'])('is rejected if it holds none: %s', async (name) => {
    await expect(findManifests(name)).rejects.toThrow(
      `DEPLOY is ${name}, and deploy/${name} has no kustomization.yaml: choose another`,
    );
  });
});

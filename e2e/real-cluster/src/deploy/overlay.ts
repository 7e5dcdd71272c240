import { relative } from 'node:path';
import { REAL_NODE_LABEL } from '../../../cluster/src/components/kwok.ts';
import { network } from '../components/network.ts';
import { REDIS_IMAGE } from '../images/redis-image.ts';

export interface OverlayOptions {
  /** The folder into which the overlay is written. */
  readonly folder: string;
  /** The folder of the manifests. */
  readonly manifests: string;
  /** `host:port` of the registry, as pods name it. */
  readonly registry: string;
  readonly tag: string;
}

/** Adapts the manifests to a cluster with a real node: returns file name → content, for objects of a kustomization. */
export function buildOverlay({ folder, manifests, registry, tag }: OverlayOptions): Readonly<Record<string, object>> {
  // A pod of a Service must not run on the simulated node, whose pods have addresses that lead nowhere.
  const ontoRealNode = {
    op: 'add',
    path: `/spec/template/spec/nodeSelector/${REAL_NODE_LABEL.replaceAll('/', '~1')}`,
    value: 'true',
  };
  return {
    'kustomization.yaml': {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: [relative(folder, manifests)],
      images: [
        { name: 'ghcr.io/archpolicy/archpolicy', newName: `${registry}/archpolicy`, newTag: tag },
        { name: REDIS_IMAGE, newName: `${registry}/redis`, newTag: tag },
      ],
      configMapGenerator: [
        {
          name: 'archpolicy-registries',
          namespace: 'archpolicy-system',
          behavior: 'replace',
          files: ['registries.yaml'],
          options: { disableNameSuffixHash: true },
        },
      ],
      patches: [{ target: { kind: 'Deployment' }, patch: JSON.stringify([ontoRealNode]) }],
    },
    'registries.yaml': {
      registries: [{ host: `${network.registry}:*`, plainHttp: true, allowAddresses: [network.nodes] }],
    },
  };
}
